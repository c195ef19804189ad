//! Bodies that are forms: `multipart/form-data` (RFC 7578) for files, and URL-encoded ones.

use serde_json::{Map, Value};

use super::envelope::Refusal;

/// Longest head of one part, in bytes.
const HEAD_BYTES_MAX: usize = 8 << 10;

/// One part of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part<'body> {
    pub(super) name: String,
    /// Only files have one.
    pub(super) file_name: Option<String>,
    pub(super) data: &'body [u8],
}

/// Takes a multipart body apart; `kind` is its content type with the boundary.
///
/// # Errors
/// 400 when a part has no name, or the body does not end with its closing boundary.
pub(super) fn multipart<'body>(kind: &str, body: &'body [u8]) -> Result<Vec<Part<'body>>, Refusal> {
    let wrong = |why: &str| Refusal::invalid(&[format!("body: {why}")]);
    let boundary = parameter(kind, "boundary").ok_or_else(|| wrong("The content type has no boundary"))?;
    let mark = format!("--{boundary}");
    let mut rest = body.strip_prefix(mark.as_bytes()).ok_or_else(|| wrong("Expected the first boundary"))?;
    let next = format!("\r\n{mark}");
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        rest = rest.strip_prefix(b"\r\n").ok_or_else(|| wrong("Expected a line behind the boundary"))?;
        let head_end = find(rest, b"\r\n\r\n").filter(|end| *end <= HEAD_BYTES_MAX);
        let head_end = head_end.ok_or_else(|| wrong("A part has no head"))?;
        let head = String::from_utf8_lossy(&rest[..head_end]);
        rest = &rest[head_end + 4..];
        let end = find(rest, next.as_bytes()).ok_or_else(|| wrong("The last boundary is missing"))?;
        let disposition = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim().eq_ignore_ascii_case("content-disposition").then(|| value.trim().to_owned())
        });
        let disposition = disposition.ok_or_else(|| wrong("A part has no content-disposition"))?;
        let name = parameter(&disposition, "name").ok_or_else(|| wrong("A part has no name"))?;
        parts.push(Part { name, file_name: parameter(&disposition, "filename"), data: &rest[..end] });
        rest = &rest[end + next.len()..];
    }
}

/// A URL-encoded body as keys with texts.
pub(super) fn encoded(body: &[u8]) -> Map<String, Value> {
    url::form_urlencoded::parse(body).map(|(key, value)| (key.into_owned(), Value::from(value.into_owned()))).collect()
}

/// Texts of a form that must be whole numbers become numbers; others stay, and are refused by their type.
pub(super) fn with_numbers(mut keys: Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    for name in names {
        if let Some(number) = keys.get(*name).and_then(Value::as_str).and_then(|text| text.parse::<u64>().ok()) {
            keys.insert((*name).to_owned(), Value::from(number));
        }
    }
    keys
}

/// A parameter of a header, quoted or not.
fn parameter(header: &str, name: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    loop {
        let (key, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find(';').unwrap_or(after.len())),
        };
        if key.trim_matches([' ', ';']).eq_ignore_ascii_case(name) {
            return Some(value.trim().to_owned());
        }
        rest = left;
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=\"x y\"";

    #[test]
    fn parts_have_names_and_exact_bytes() {
        let body = b"--x y\r\nContent-Disposition: form-data; name=\"deal_id\"\r\n\r\n7\r\n--x y\r\n\
            content-disposition: form-data; filename=\"a;b.pdf\"; name=file\r\nContent-Type: text/x\r\n\r\n\r\n\0--x\r\n--x y--\r\n";
        let parts = multipart(KIND, body).expect("two parts");
        assert_eq!(parts[0], Part { name: "deal_id".into(), file_name: None, data: b"7" });
        assert_eq!(parts[1], Part { name: "file".into(), file_name: Some("a;b.pdf".into()), data: b"\r\n\0--x" });
    }

    #[test]
    fn broken_forms_are_refused() {
        for body in [
            &b""[..],
            b"--x y",
            b"--x y\r\n\r\n--x y--",
            b"--x y\r\nContent-Disposition: form-data; name=a\r\n\r\n7",
            b"--x y\r\nContent-Disposition: form-data\r\n\r\n7\r\n--x y--",
        ] {
            assert!(multipart(KIND, body).is_err(), "{}", String::from_utf8_lossy(body));
        }
        assert!(multipart("multipart/form-data", b"--x y--").is_err());
    }
}
