//! How sure a proposal is: the share of right answers among such proposals, as counted on labelled fields of other CRMs.

use super::answer::Answer;

/// Concepts that many different things are taken for, or that several places would do for: counted as wrong more often
/// than others at the same score.
const BROAD: &[&str] = &[
    "account_number",
    "activity_detail",
    "campaign",
    "closed_at",
    "competitor",
    "created_by",
    "custom_slot",
    "deal_type",
    "due_date",
    "end_time",
    "full_name",
    "lead_source",
    "location",
    "next_step",
    "opt_out",
    "ownership",
    "payment_terms",
    "priority",
    "promo_field",
    "ref_client",
    "ref_company",
    "region",
    "related_id",
    "reports_to",
    "score",
    "second_owner",
    "spouse",
    "status",
    "system_field",
    "value_computed",
    "value_other",
    "won_reason",
];

/// What a proposal looks like before anybody judges it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Score of the chosen answer.
    pub score: f64,
    /// Score of the best other answer.
    pub other: f64,
    /// The name is the concept's word by word.
    pub is_exact: bool,
    /// How well the values go with the concept, 0 to 1.
    pub shape: f64,
    /// Only the form of the values or of the name speaks.
    pub is_default: bool,
    /// Many different things are taken for the concept.
    pub is_broad: bool,
    /// It is proposed to leave the column behind.
    pub is_left: bool,
}

impl Look {
    /// Of the answer at a position among all answers of a column.
    #[must_use]
    pub fn of(answers: &[Answer], chosen: usize) -> Self {
        let others = answers.iter().enumerate().filter(|(at, _)| *at != chosen);
        let other = others.map(|(_, answer)| answer.score).fold(0.0, f64::max);
        let answer = answers.get(chosen);
        let concept = answer.map_or("", |answer| answer.concept.as_str());
        Self {
            score: answer.map_or(0.0, |answer| answer.score),
            other,
            is_exact: answer.is_some_and(|answer| answer.evidence.name >= super::reading::EXACT),
            shape: answer.filter(|_| !concept.is_empty()).map_or(0.97, |answer| answer.evidence.shape),
            is_default: concept.is_empty(),
            is_broad: BROAD.contains(&concept),
            is_left: answer.is_some_and(|answer| answer.place.entity().is_none()),
        }
    }
}

/// Confidence, 0 to 1: a logistic curve over what speaks for the answer and for the next one.
///
/// Fitted on 2026-11-30 on the 1,476 fields of the fourteen catalogues that are known, each of them five times more with
/// another fifth of the vocabulary's phrases taken out, so that names nobody foresaw count as well. Left out one CRM at a
/// time, the curve was too sure by little; it is lowered by one in log odds, because a CRM that nobody tuned on brings
/// more surprises than one whose words are only taken away.
#[must_use]
pub fn confidence(look: Look) -> f64 {
    let when = |is: bool, weight: f64| if is { weight } else { 0.0 };
    let odds = -3.9
        + 2.8 * look.score.min(1.05)
        + 4.4 * (look.score - look.other).clamp(-0.3, 0.6)
        + 1.5 * look.shape
        + when(look.is_exact, 0.5)
        + when(look.is_left, 0.9)
        - when(look.is_broad, 1.1)
        - when(look.is_default, 0.3);
    1.0 / (1.0 + (-odds).exp())
}
