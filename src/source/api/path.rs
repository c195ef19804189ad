//! Dotted paths into JSON, as the profile writes them. A key that has dots of its own (`@odata.nextLink`) is found too.

use serde_json::{Map, Value};

/// The value at a path; nothing in the path means the value itself.
pub(in crate::source) fn find<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    if path.is_empty() {
        return Some(value);
    }
    match value {
        Value::Object(map) => {
            if let Some(found) = map.get(path) {
                return Some(found);
            }
            path.match_indices('.').find_map(|(dot, _)| find(map.get(&path[..dot])?, &path[dot + 1..]))
        }
        Value::Array(list) => {
            let (first, rest) = path.split_once('.').unwrap_or((path, ""));
            find(list.get(first.parse::<usize>().ok()?)?, rest)
        }
        _ => None,
    }
}

/// Takes the value at a path out.
pub(in crate::source) fn take(value: &mut Value, path: &str) -> Option<Value> {
    if path.is_empty() {
        return Some(value.take());
    }
    match value {
        Value::Object(map) => {
            if let Some(found) = map.get_mut(path) {
                return Some(found.take());
            }
            path.match_indices('.').find_map(|(dot, _)| take(map.get_mut(&path[..dot])?, &path[dot + 1..]))
        }
        Value::Array(list) => {
            let (first, rest) = path.split_once('.').unwrap_or((path, ""));
            take(list.get_mut(first.parse::<usize>().ok()?)?, rest)
        }
        _ => None,
    }
}

/// Puts a value at a path, making objects on the way. What is no object on the way is replaced by one.
pub(in crate::source) fn put(value: &mut Value, path: &str, new: Value) {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Value::Object(map) = value else { return };
    match path.split_once('.') {
        None => {
            map.insert(path.to_owned(), new);
        }
        Some((first, rest)) => put(map.entry(first).or_insert(Value::Null), rest, new),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_through_objects_lists_and_keys_with_dots() {
        let mut value = json!({"a": {"b": [{"c": 1}]}, "@odata.nextLink": "x", "d": {"e.f": {"g": 2}}});
        let check = |path: &str, expected: Option<Value>| assert_eq!(find(&value, path).cloned(), expected, "{path}");
        check("a.b.0.c", Some(json!(1)));
        check("@odata.nextLink", Some(json!("x")));
        check("d.e.f.g", Some(json!(2)));
        check("a.x", None);
        check("a.b.7.c", None);
        check("", Some(value.clone()));
        assert_eq!(take(&mut value, "a.b.0.c"), Some(json!(1)));
        put(&mut value, "variables.first", json!(3));
        assert_eq!(value["variables"], json!({"first": 3}));
    }
}
