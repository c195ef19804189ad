//! Forms of one name: what people write differently and mean alike.
//!
//! `created_on`, `create_time` and `Date Created` are one name; so are `projected amount` and `expected value`. The
//! vocabulary knows one of them, these rules know the others.

/// Words that stand for one another inside a whole name; the first one stands for all.
const ALIKE: &[&[&str]] = &[
    &["created", "create", "creation", "added", "entered", "inserted"],
    &["modified", "updated", "changed", "edited", "modify", "update", "edit", "change", "modification"],
    &["last", "latest", "recent"],
    &["expected", "estimated", "projected", "anticipated", "forecasted", "probable"],
    &["mobile", "cell", "cellular", "cellphone"],
    &["phone", "telephone", "tel"],
    &["company", "organization", "firm", "corporate"],
    &["deal", "opportunity"],
    &["customer", "client"],
    &["amount", "value", "sum"],
    &["type", "kind"],
    &["reason", "cause"],
    &["employee", "staff", "worker"],
    &["note", "comment", "remark"],
    &["lost", "loss", "lose"],
    &["won", "win"],
    &["close", "closing"],
    &["shipping", "shipment", "ship", "delivery"],
    &["annual", "yearly"],
    &["revenue", "turnover"],
    &["tax", "vat", "gst"],
    &["start", "begin", "beginning"],
    &["end", "finish"],
    &["province", "state"],
    &["owner", "assignee"],
    &["street", "road"],
    &["method", "mode"],
    &["supplier", "vendor"],
    &["purchase", "buying"],
    &["approved", "approval"],
    &["strasse", "str"],
    &["telefon", "tel"],
    &["erstellt", "angelegt", "erfasst", "angelegte"],
    &["geandert", "aktualisiert", "bearbeitet"],
    &["firma", "firmen", "unternehmen"],
    &["kunde", "kunden"],
    &["cliente", "client"],
    &["ultima", "ultimo"],
    &["criado", "cadastrado", "incluido"],
    &["alterado", "atualizado", "modificado"],
    &["cadastro", "criacao", "inclusao", "registro"],
    &["alteracao", "atualizacao", "modificacao"],
    &["creacion", "alta", "registro"],
    &["modificacion", "actualizacion"],
];

/// Words at the end, or at the beginning, that say no more than that a name is a point in time.
const TIME_ENDS: &[&str] = &["at", "on", "date", "time", "datetime", "timestamp", "dt", "datum", "am", "utc"];
const TIME_STARTS: &[&str] = &["date", "time", "datetime", "timestamp", "datum", "fecha", "data"];

/// The one form that stands for all of a name's forms.
#[must_use]
pub fn canonical(words: &[String]) -> String {
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut is_time = false;
    // Of what has a day and an hour in two columns the last word says which.
    if let [first, _] = words.as_slice()
        && ["due", "start", "end", "begin", "finish", "reminder"].contains(first)
    {
        return words.join(" ");
    }
    while words.len() > 1 && words.last().is_some_and(|last| TIME_ENDS.contains(last)) {
        words.pop();
        is_time = true;
    }
    if words.len() > 1 && words.first().is_some_and(|first| TIME_STARTS.contains(first)) {
        words.remove(0);
        is_time = true;
    }
    let alike = |word: &&str| ALIKE.iter().find(|all| all.contains(word)).and_then(|all| all.first()).copied();
    let parts = words.iter().map(|word| alike(word).unwrap_or(word));
    parts.chain(is_time.then_some("@")).collect::<Vec<_>>().join(" ")
}

/// Records that hang on another one: a column of their plural lists them, and they come by themselves or not at all.
const CHILDREN: &[&str] = &[
    "product",
    "item",
    "order",
    "invoice",
    "payment",
    "quote",
    "estimate",
    "shipment",
    "fee",
    "transaction",
    "task",
    "activity",
    "event",
    "call",
    "meeting",
    "message",
    "deal",
    "opportunity",
    "ticket",
    "case",
    "subscription",
    "file",
    "document",
    "attachment",
    "lead",
    "follower",
    "log",
    "approval",
    "request",
    "expense",
    "refund",
    "line",
    "proof",
    "mockup",
    "package",
    "relationship",
    "link",
    "association",
    "subsidiary",
    "asset",
    "contract",
    "project",
    "discount",
    "design",
    "appointment",
    "reminder",
    "participant",
    "revision",
    "image",
    "photo",
    "workflow",
    "automation",
    "timestamp",
    "job",
    "sale",
    "purchase",
    "delivery",
    "proposal",
    "form",
    "survey",
    "notification",
    "permission",
];

/// Whether a column lists records that hang on its own: `products`, `lineItems`, `approval_requests`, `status_log`.
#[must_use]
pub fn lists_children(name: &str, words: &[String]) -> bool {
    let Some(last) = words.last() else { return false };
    let is_plural = name.trim_end_matches(|sign: char| !sign.is_alphabetic()).ends_with(['s', 'S']);
    let is_log = words.len() > 1 && matches!(last.as_str(), "log" | "history" | "connection");
    is_log || (is_plural && words.len() <= 3 && CHILDREN.contains(&last.as_str()))
}

/// What is counted as well, and of which of it.
const COUNTED: &[&str] = &[
    "open",
    "total",
    "closed",
    "won",
    "lost",
    "contact",
    "note",
    "email",
    "associated",
    "related",
    "linked",
    "unread",
    "new",
    "active",
    "pending",
    "overdue",
    "completed",
    "done",
    "undone",
    "user",
    "person",
    "people",
    "comment",
    "visit",
    "page",
    "website",
    "view",
    "reply",
    "touch",
    "attempt",
    "engagement",
    "interaction",
    "company",
    "child",
];

/// Whether a column counts records that hang on its own: `order_count`, `number of projects`.
#[must_use]
pub fn counts_children(words: &[String]) -> bool {
    const COUNTS: &[&str] = &["count", "number", "quantity", "total"];
    let telling: Vec<&str> = words.iter().map(String::as_str).filter(|word| *word != "of").collect();
    let children = match telling.as_slice() {
        [children @ .., "count"] => children,
        ["number" | "count", children @ ..] => children,
        _ => return false,
    };
    let is_child = |word: &&str| CHILDREN.contains(word) || COUNTED.contains(word);
    !children.is_empty() && children.iter().all(is_child) && !children.iter().all(|word| COUNTS.contains(word))
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    #[test]
    fn forms_of_one_name_are_one() {
        let check = |one: &str, other: &str| assert_eq!(canonical(&words(one)), canonical(&words(other)), "{one}");
        check("created_on", "Create Time");
        check("Date Created", "creationTimestamp");
        check("estimated_close_time", "expected close date");
        check("Opportunity Amount", "deal_value");
        assert_ne!(canonical(&words("closed")), canonical(&words("closed_at")), "one is a flag, the other a time");
        assert_ne!(canonical(&words("date")), canonical(&words("time")));
    }

    #[test]
    fn plurals_of_what_hangs_on_a_record_are_lists() {
        let lists = |name: &str| lists_children(name, &words(name));
        assert!(lists("products") && lists("lineItems") && lists("approval_requests") && lists("status_change_log"));
        assert!(!lists("product") && !lists("notes") && !lists("tags") && !lists("address"));
    }
}
