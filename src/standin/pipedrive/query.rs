//! Reading a request's query: every parameter is taken once; what is left over is unknown, and refused by API v2 (seen on
//! live accounts).

use super::envelope::Refusal;

/// A request's query while it is read.
#[derive(Debug)]
pub(super) struct Query {
    pairs: Vec<(String, String)>,
    problems: Vec<String>,
}

impl Query {
    /// Takes a query apart; the text is what stands behind the question mark.
    pub(super) fn parse(text: &str) -> Self {
        let pairs = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        Self { pairs, problems: Vec::new() }
    }

    /// Takes a parameter as text.
    pub(super) fn take(&mut self, key: &str) -> Option<String> {
        let place = self.pairs.iter().position(|(own, _)| own == key)?;
        Some(self.pairs.swap_remove(place).1)
    }

    /// True if the parameter is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.pairs.iter().any(|(own, _)| own == key)
    }

    /// Gives a parameter that the path says, in place of one that the query has.
    pub(super) fn set(&mut self, key: &str, value: &str) {
        self.pairs.retain(|(own, _)| own != key);
        self.pairs.push((key.to_owned(), value.to_owned()));
    }

    /// Takes a parameter that may come several times, all values in one text with commas.
    pub(super) fn take_all(&mut self, key: &str) -> Option<String> {
        let (own, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.pairs).into_iter().partition(|(own, _)| own == key);
        self.pairs = rest;
        (!own.is_empty()).then(|| own.into_iter().map(|(_, value)| value).collect::<Vec<_>>().join(","))
    }

    /// Takes a parameter and reads it; `None` also when it cannot be read, which is then a problem.
    pub(super) fn read<T>(&mut self, key: &str, what: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = self.take(key)?;
        let value = read(&text);
        if value.is_none() {
            self.problem(key, &format!("Expected {what}, received '{text}'"));
        }
        value
    }

    /// Takes a whole number.
    pub(super) fn whole(&mut self, key: &str) -> Option<u64> {
        self.read(key, "integer", |text| text.parse().ok())
    }

    /// Takes a yes or no as API v1 writes it.
    pub(super) fn bit(&mut self, key: &str) -> Option<bool> {
        self.read(key, "0 or 1", |text| match text {
            "0" => Some(false),
            "1" => Some(true),
            _ => None,
        })
    }

    /// Notes that a parameter is wrong, and why.
    pub(super) fn problem(&mut self, key: &str, why: &str) {
        self.problems.push(format!("{key}: {why}"));
    }

    /// Ends the reading; with `lenient` unknown parameters are passed over.
    ///
    /// # Errors
    /// 400 with every problem.
    pub(super) fn finish(mut self, lenient: bool) -> Result<(), Refusal> {
        if !lenient {
            for (key, _) in std::mem::take(&mut self.pairs) {
                self.problem(&key, &format!("Parameter '{key}' is not allowed for this request"));
            }
        }
        if self.problems.is_empty() { Ok(()) } else { Err(Refusal::invalid(&self.problems)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_taken_once_and_the_rest_is_refused() {
        let mut query = Query::parse("limit=5&sort=add_time%20DESC&start=x&what=1");
        assert_eq!(query.whole("limit"), Some(5));
        assert_eq!(query.take("sort").as_deref(), Some("add_time DESC"));
        assert_eq!(query.whole("start"), None);
        let refusal = query.finish(false).expect_err("two problems");
        assert_eq!(
            refusal.error,
            "Validation failed: start: Expected integer, received 'x'; \
             what: Parameter 'what' is not allowed for this request"
        );
    }
}
