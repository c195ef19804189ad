//! What the first bytes of an answer are: a file, or a page that stands in its place.

use reqwest::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};

use crate::http::Answer;

/// Signs that files of a kind begin with.
const KINDS: &[(&[u8], &str)] = &[
    (b"%PDF-", "PDF"),
    (b"\x89PNG\r\n", "PNG"),
    (b"\xFF\xD8\xFF", "JPEG"),
    (b"GIF8", "GIF"),
    (b"PK\x03\x04", "ZIP or Office"),
    (b"\xD0\xCF\x11\xE0", "Office of before 2007"),
    (b"%!PS", "PostScript"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"{\\rtf", "RTF"),
];

/// What an answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// The beginning of a file.
    File(Bytes),
    /// A web page.
    Page { links: usize, is_login: bool },
    /// It is elsewhere.
    Elsewhere,
    /// Nothing of the kind.
    Nothing,
}

/// The beginning of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bytes {
    status: u16,
    media: String,
    /// Bytes of the whole file, where that is said.
    whole: Option<u64>,
    /// Whether it is said what it is called.
    is_named: bool,
    kind: Option<&'static str>,
    /// What is odd.
    pub(super) doubt: Option<String>,
}

impl Bytes {
    /// What was seen, in words.
    pub(super) fn told(&self) -> String {
        let mut parts = vec![format!("status {}", self.status)];
        parts.extend(Some(self.media.clone()).filter(|media| !media.is_empty()));
        parts.extend(self.whole.map(|whole| format!("{whole} bytes in all")));
        parts.extend(self.kind.map(|kind| format!("its first bytes are those of {kind}")));
        parts.push(if self.is_named { "its name is told" } else { "its name is not told" }.to_owned());
        parts.join(", ")
    }
}

/// The kind of some content, as the end of a sentence.
pub(super) fn kind_of(content: &[u8]) -> String {
    kind(content).map_or_else(String::new, |kind| format!(", which begin as {kind} does"))
}

fn kind(content: &[u8]) -> Option<&'static str> {
    KINDS.iter().find(|(start, _)| content.starts_with(start)).map(|(_, kind)| *kind)
}

/// What an answer is.
pub(super) fn seen(answer: &Answer) -> Seen {
    let header = |name| answer.headers.get(name).and_then(|value| value.to_str().ok());
    match answer.status {
        300..=399 => return Seen::Elsewhere,
        200 | 206 if !answer.body.is_empty() => {}
        _ => return Seen::Nothing,
    }
    let media = header(CONTENT_TYPE).and_then(|text| text.split(';').next()).unwrap_or_default().trim().to_lowercase();
    let name = header(CONTENT_DISPOSITION).and_then(file_name);
    let is_attached = header(CONTENT_DISPOSITION).is_some_and(|text| text.trim().starts_with("attachment"));
    let text = String::from_utf8_lossy(&answer.body).trim_start().to_lowercase();
    let is_markup = text.starts_with("<!doctype html") || text.starts_with("<html");
    // A file may be a page itself, but then it is given as one.
    if (media == "text/html" || is_markup) && !is_attached {
        let is_login = ["type=\"password\"", "log in", "sign in", "login"].iter().any(|word| text.contains(word));
        return Seen::Page { links: text.matches("href=").count(), is_login };
    }
    // Answers of the API are about a file, and none.
    if media.ends_with("json") && !is_attached {
        return Seen::Nothing;
    }
    let whole = header(CONTENT_RANGE).and_then(|text| text.rsplit('/').next()?.parse().ok());
    let whole = whole.or_else(|| header(CONTENT_LENGTH)?.parse().ok().filter(|_| answer.status == 200));
    let kind = kind(&answer.body);
    let doubt = (media == "application/pdf" && kind != Some("PDF"))
        .then(|| "it is said to be a PDF and does not begin as one".to_owned());
    Seen::File(Bytes { status: answer.status, media, whole, is_named: name.is_some(), kind, doubt })
}

/// The name that a disposition gives (RFC 6266; extended as in RFC 5987).
fn file_name(text: &str) -> Option<String> {
    let mut plain = None;
    for part in text.split(';').skip(1) {
        let Some((name, value)) = part.split_once('=') else { continue };
        match name.trim().to_lowercase().as_str() {
            "filename*" => {
                let encoded = value.trim().splitn(3, '\'').nth(2)?;
                let pair = format!("name={}", encoded.replace('+', "%2B"));
                let decoded = url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, name)| name.into_owned());
                return decoded.filter(|name| !name.is_empty());
            }
            "filename" => plain = Some(value.trim().trim_matches('"').to_owned()).filter(|name| !name.is_empty()),
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn of(status: u16, headers: &[(HeaderName, &'static str)], body: &'static [u8]) -> Seen {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        seen(&Answer { status, headers, body: body.into(), took: Duration::ZERO })
    }

    #[test]
    fn a_page_with_a_good_status_is_no_file() {
        let page = b"<!doctype html><form><input type=\"password\"></form>";
        assert_eq!(of(200, &[(CONTENT_TYPE, "text/html")], page), Seen::Page { links: 0, is_login: true });
        // Whatever it is said to be.
        assert_eq!(of(200, &[(CONTENT_TYPE, "application/pdf")], page), Seen::Page { links: 0, is_login: true });
        let list = b"<html><a href=\"1\">Proof</a><a href=\"2\">Logo</a>";
        assert_eq!(of(200, &[], list), Seen::Page { links: 2, is_login: false });
        let attached = of(200, &[(CONTENT_DISPOSITION, "attachment; filename=a.html")], page);
        assert!(matches!(attached, Seen::File(_)), "{attached:?}");
        assert_eq!(of(200, &[(CONTENT_TYPE, "application/json")], b"{\"error\":\"no\"}"), Seen::Nothing);
        assert_eq!(of(404, &[(CONTENT_TYPE, "application/pdf")], b"%PDF-1.4"), Seen::Nothing);
        assert_eq!(of(302, &[], b""), Seen::Elsewhere);
    }

    #[test]
    fn a_file_is_told_by_status_type_length_name_and_first_bytes() {
        let headers = [
            (CONTENT_TYPE, "application/pdf"),
            (CONTENT_RANGE, "bytes 0-7/9000"),
            (CONTENT_DISPOSITION, "attachment; filename*=UTF-8''Proof%207.pdf"),
        ];
        let Seen::File(bytes) = of(206, &headers, b"%PDF-1.4") else { panic!("a file") };
        let told = "status 206, application/pdf, 9000 bytes in all, its first bytes are those of PDF, its name is told";
        assert_eq!((bytes.told().as_str(), bytes.doubt), (told, None));
        let Seen::File(bytes) = of(200, &headers[..1], b"\x00\x01") else { panic!("a file") };
        assert!(bytes.doubt.is_some());
    }

    #[test]
    fn names_are_read_as_in_rfc_5987() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(file_name(text).as_deref(), expected, "{text}");
        check("attachment; filename=\"a b.pdf\"", Some("a b.pdf"));
        check("attachment; filename=\"x.pdf\"; filename*=UTF-8''%E2%82%AC+1.pdf", Some("€+1.pdf"));
        check("inline", None);
    }
}
