//! The plain comparison: the field's name against the names of Pipedrive's fields, by edit distance, field by field.

use crossdock::mapping::accepted::accepted;
use crossdock::record::Entity;

/// Names less alike than this are a custom field.
const ALIKE: f64 = 0.75;

/// Answers, best first, each with how alike the names are.
pub(crate) fn answers(name: &str, becomes: &[Entity]) -> Vec<(String, f64)> {
    let plain = |text: &str| -> String {
        text.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let name = plain(name);
    let mut answers: Vec<(String, f64)> = Vec::new();
    for entity in becomes {
        for field in accepted(*entity) {
            let alike = strsim::jaro_winkler(&name, &plain(field.name));
            answers.push((format!("{entity}:{}", field.name), alike));
        }
    }
    for key in ["id", "modified", "deleted"] {
        answers.push((key.to_owned(), strsim::jaro_winkler(&name, key)));
    }
    let own = becomes.first().copied().unwrap_or(Entity::Organization);
    answers.push((format!("{own}:custom:varchar"), ALIKE));
    answers.sort_by(|a, b| b.1.total_cmp(&a.1));
    answers
}
