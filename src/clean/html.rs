//! HTML of notes and task bodies: what a CRM note keeps, and plain text of it.
//!
//! Pipedrive sanitises notes itself, by rules it does not publish (`pipedrive-api.md` section 5.8). We
//! clean first, so that what it answers can be compared with what was meant.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use ammonia::Builder;

use super::{Cleaned, Note, code};

/// Tags that survive. Everything else is unwrapped; scripts and styles go with their content.
const TAGS: &[&str] = &[
    "a",
    "b",
    "blockquote",
    "br",
    "code",
    "div",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];

fn sanitizer() -> &'static Builder<'static> {
    static SANITIZER: OnceLock<Builder<'static>> = OnceLock::new();
    SANITIZER.get_or_init(|| {
        let mut builder = Builder::empty();
        builder
            .tags(TAGS.iter().copied().collect())
            .clean_content_tags(HashSet::from(["script", "style", "title", "noscript", "iframe"]))
            .generic_attributes(HashSet::new())
            .tag_attributes(HashMap::from([
                ("a", HashSet::from(["href"])),
                // Only `src`, so that an image without an allowed address is exactly `<img>`, which is then removed.
                ("img", HashSet::from(["src"])),
                ("td", HashSet::from(["colspan", "rowspan"])),
                ("th", HashSet::from(["colspan", "rowspan"])),
            ]))
            .url_schemes(HashSet::from(["http", "https", "mailto", "tel"]))
            .link_rel(None)
            .strip_comments(true);
        builder
    })
}

/// HTML that is safe and small: the tags of `TAGS`, links, images with a web address.
///
/// Text without any tag keeps its line ends as `<br>`. HTML that was escaped as a whole is unescaped once, with a note.
#[must_use]
pub fn html(body: &str) -> Cleaned<String> {
    let mut notes = Vec::new();
    let body = body.trim();
    if !body.contains(['<', '&', '>', '\0']) {
        return Cleaned::plain(broken_lines(body));
    }
    let unescaped = if has_tag(body) { None } else { unescaped_once(body) };
    if unescaped.is_some() {
        notes.push(Note::new(code::HTML_UNESCAPED, "the HTML was escaped as a whole and was unescaped once"));
    }
    let body = unescaped.as_deref().unwrap_or(body);
    let lower = body.to_ascii_lowercase();
    if lower.contains("<script") || lower.contains("<style") || lower.contains("<iframe") {
        notes.push(Note::new(code::SCRIPT_REMOVED, "a script, style or frame was taken out"));
    }
    let mut clean = if has_tag(body) { sanitize(body) } else { sanitize(&broken_lines(body)) };
    let images = clean.matches("<img>").count();
    if images > 0 {
        clean = clean.replace("<img>", "");
        notes.push(Note::new(code::IMAGE_REMOVED, format!("{images} images held in the text itself were taken out")));
    }
    Cleaned { value: clean.trim().to_owned(), notes }
}

fn sanitize(body: &str) -> String {
    sanitizer().clean(body).to_string()
}

fn broken_lines(text: &str) -> String {
    if text.contains(['\n', '\r']) { text.replace("\r\n", "\n").replace(['\n', '\r'], "<br>") } else { text.to_owned() }
}

/// Whether something like a tag stands in the text: `<` and a letter, `/` or `!`.
fn has_tag(text: &str) -> bool {
    text.match_indices('<')
        .any(|(at, _)| text[at + 1..].starts_with(|next: char| next.is_ascii_alphabetic() || matches!(next, '/' | '!')))
}

/// The text with its entities resolved, if that brings tags to light.
fn unescaped_once(text: &str) -> Option<String> {
    if !text.contains("&lt;") && !text.contains("&#60;") {
        return None;
    }
    let unescaped = entities_resolved(text);
    has_tag(&unescaped).then_some(unescaped)
}

/// Resolves the entities of HTML's own marks, each once.
fn entities_resolved(text: &str) -> String {
    const ENTITIES: &[(&str, &str)] = &[
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&apos;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&nbsp;", "\u{a0}"),
        ("&amp;", "&"),
    ];
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        resolved.push_str(&rest[..at]);
        rest = &rest[at..];
        match ENTITIES.iter().find(|(entity, _)| rest.starts_with(entity)) {
            Some((entity, character)) => {
                resolved.push_str(character);
                rest = &rest[entity.len()..];
            }
            None => {
                resolved.push('&');
                rest = &rest[1..];
            }
        }
    }
    resolved.push_str(rest);
    resolved
}

/// Plain text of HTML: a line for each block, entities resolved, white space tidy. Links keep their text only.
#[must_use]
pub fn to_text(body: &str) -> Cleaned<String> {
    let cleaned = html(body);
    let mut notes = cleaned.notes;
    let html = cleaned.value;
    let mut text = String::with_capacity(html.len());
    let mut rest = html.as_str();
    while let Some(at) = rest.find('<') {
        text.push_str(&entities_resolved(&rest[..at]));
        let Some(end) = rest[at..].find('>') else { break };
        let tag = rest[at + 1..at + end].trim_start_matches('/');
        let name = tag.split([' ', '/']).next().unwrap_or_default();
        match name {
            "br" | "p" | "div" | "li" | "tr" | "hr" | "blockquote" | "pre" | "table" | "ul" | "ol" => {
                end_line(&mut text, name == "br")
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => end_line(&mut text, false),
            "td" | "th" if !text.ends_with([' ', '\n']) => text.push(' '),
            _ => {}
        }
        rest = &rest[at + end + 1..];
    }
    if !rest.starts_with('<') {
        text.push_str(&entities_resolved(rest));
    }
    let value = super::text::block(&text.replace('\u{a0}', " ")).into_value(&mut notes);
    Cleaned { value, notes }
}

/// Ends the line; blocks that begin and end together end it once.
fn end_line(text: &mut String, always: bool) {
    if always || (!text.is_empty() && !text.ends_with('\n')) {
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(body: &str, expected: &str, codes: &[&str]) {
        let cleaned = html(body);
        assert_eq!(cleaned.value, expected);
        assert_eq!(cleaned.notes.iter().map(|note| note.code.as_str()).collect::<Vec<_>>(), codes, "{body:?}");
    }

    #[test]
    fn bodies() {
        check("", "", &[]);
        check("plain", "plain", &[]);
        check("two\r\nlines", "two<br>lines", &[]);
        check("fish & chips", "fish &amp; chips", &[]);
        check("1 < 2", "1 &lt; 2", &[]);
        check("<p>Likes matte.</p>", "<p>Likes matte.</p>", &[]);
        check("<p onclick=\"x()\" style=\"color:red\">a</p>", "<p>a</p>", &[]);
        check("<p>a</p><script>alert(1)</script>", "<p>a</p>", &["script_removed"]);
        check("<style>p{}</style><p>a</p>", "<p>a</p>", &["script_removed"]);
        check("<p>a<img src=\"data:image/png;base64,AAAA\"></p>", "<p>a</p>", &["image_removed"]);
        check("<img src=\"https://x.example/a.png\" alt=\"a\">", "<img src=\"https://x.example/a.png\">", &[]);
        check("<a href=\"javascript:x()\">a</a>", "<a>a</a>", &[]);
        check("<a href=\"https://x.example\">a</a>", "<a href=\"https://x.example\">a</a>", &[]);
        check("&lt;p&gt;Hi &amp;amp; bye&lt;/p&gt;", "<p>Hi &amp; bye</p>", &["html_unescaped"]);
        check("<p>&lt;b&gt;</p>", "<p>&lt;b&gt;</p>", &[]);
        check(
            "<p class=\"MsoNormal\"><o:p>Word</o:p><!--[if gte mso 9]><xml></xml><![endif]--></p>",
            "<p>Word</p>",
            &[],
        );
    }

    #[test]
    fn plain_text_of_html() {
        for (body, expected) in [
            ("", ""),
            ("<p>one</p><p>two &amp; <b>three</b></p>", "one\ntwo & three"),
            ("a<br>b<br/><br>c", "a\nb\n\nc"),
            ("<ul><li>x</li><li>y</li></ul>", "x\ny"),
            ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
            ("1 < 2", "1 < 2"),
            ("a&nbsp;b", "a b"),
        ] {
            assert_eq!(to_text(body).value, expected, "{body:?}");
        }
    }

    proptest! {
        #![proptest_config(crate::clean::fixed_cases(256))]

        #[test]
        fn clean_html_stays_and_never_runs(body in "\\PC{0,60}|(<[a-z/!]{0,6}[a-z =\"':]{0,9}>?|[a-z&;<> \n]{0,9}){0,8}") {
            prop_assert!(!to_text(&body).value.contains('\0'));
            let once = sanitize(&body);
            prop_assert_eq!(&sanitize(&once), &once);
            prop_assert!(!html(&body).value.contains("<script"));
        }
    }
}
