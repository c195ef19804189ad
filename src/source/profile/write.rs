//! Writes a profile, with the comments that somebody needs who reviews it.

use super::Profile;

/// What stands at the top.
const HEAD: &str = "# How the API of the source is read. Made by `crossdock discover`; review it, correct what is wrong, and keep it\n\
                    # beside migration.toml. No secret stands here: {token}, {password} and the like are put in from the settings.\n\n";

/// Comments, each above the first line that begins so.
const COMMENTS: &[(&str, &str)] = &[
    ("address =", "Where requests go. Nothing is ever asked of another host."),
    ("zone =", "The zone of times that name none."),
    ("quirks =", "What is odd, and what could not be found out."),
    ("[[auth.send]]", "What is put on every request."),
    ("[auth.login]", "The call that exchanges the credentials for a token."),
    ("[account]", "Where the account says who it is."),
    ("[limits]", "The pace: milliseconds between two requests, at the fastest and to begin with."),
    ("[defaults]", "What holds for every object that does not say otherwise."),
    ("rows =", "Where in an answer the rows are; nothing: the whole answer."),
    (
        "proof =",
        "What shows that all rows were read: total (as many as the source counts), twice (two readings agree), once.",
    ),
    ("addresses =", "Values that begin so are addresses of records, and are read as the ids they end with."),
    ("[defaults.page]", "How a list comes in portions."),
    ("[defaults.changes]", "How changes are found: a filter, the newest first, or reading everything again."),
    ("[defaults.deleted]", "How deleted rows show. Where they vanish, everything is read once a day to find them."),
    ("compare =", "Whether everything is read once a day, so that rows which are not there any more are found."),
    (
        "[defaults.deletions]",
        "Where deleted rows are told that the lists leave out; read after each walk through changes.",
    ),
    ("[defaults.stamp]", "Where a row says when it was changed."),
    (".deletions]", "Where deleted rows are told that the list leaves out; read after each walk through changes."),
    (".record]", "How one record is read by its id, and the status that says that there is none."),
    (".files]", "How the bytes of files come, by one that was tried."),
    (
        ".soap]",
        "How it is called by SOAP: the elements of the call in their order, and those of a row that are repeated.",
    ),
    (".columns]", "What every row had. A page without these is not read: the source has changed."),
    (".evidence]]", "What the findings rest on: request, status, and the beginning of the answer's hash."),
];

impl Profile {
    /// The profile as a file.
    #[must_use]
    pub fn to_text(&self) -> String {
        // Every part of a profile is text, number, list or table, all of which TOML can hold.
        let plain = toml::to_string(self).expect("a profile is TOML");
        let mut text = HEAD.to_owned();
        let mut told = vec![false; COMMENTS.len()];
        for line in plain.lines() {
            let place = COMMENTS.iter().position(|(start, _)| {
                line.starts_with(start) || start.starts_with('.') && line.starts_with('[') && line.ends_with(start)
            });
            if let Some(place) = place
                && !told[place]
            {
                told[place] = true;
                text.push_str(&format!("# {}\n", COMMENTS[place].1));
            }
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}
