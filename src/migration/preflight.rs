//! The proof: one organization is made, found in the list and deleted again, before anything else is made. What only a write
//! can show is known then: whether our user may make, back-date, list and delete, and who sees what it makes.

use serde_json::{Map, Value, json};

use super::Migration;
use crate::error::{Kind, Result};
use crate::permit::{Gate, WritePermit};
use crate::pipedrive::{Listing, Order, Row};
use crate::record::{Entity, Target};
use crate::report::plan::Plan;
use crate::report::preflight::{Check, Confirmed, Outcome, Preflight};

/// Where the journal keeps what was proved.
const PROOF: &str = "preflight:proof";

/// Where the journal keeps that a throw-away record may be there.
const PROVING: &str = "preflight:proving";

/// Where the journal keeps the id of the throw-away record, as long as it is not known to be deleted.
const MADE: &str = "preflight:made";

/// Looks at the list, each after the lag that the settings name.
const LOOKS: u32 = 3;

/// A time long past, which no account sets by itself.
const LONG_AGO: &str = "2001-02-03T04:05:06Z";

const MAKE: &str = "Making records";
const BACK_DATE: &str = "Original dates";
const SEEN: &str = "Who sees new records";
const LIST: &str = "Finding records in lists";
const DELETE: &str = "Deleting records";

impl Migration {
    /// Proves it, once; what is in the way is tried again at the next call.
    ///
    /// # Errors
    /// Those of calls, but for refusals, which are what is found out; `Stopped`.
    pub(super) async fn prove(&self, permit: &WritePermit) -> Result<()> {
        if self.proof().await?.iter().any(|check| check.about == DELETE && check.outcome == Outcome::Good) {
            return Ok(());
        }
        let mut proof = Vec::new();
        let made: Option<String> = self.fact::<Option<String>>(MADE).await?.flatten();
        if let Some(id) = made {
            // An earlier run ended after it was made and before its deletion was known here.
            proof = self.proof().await?;
            proof.push(self.delete_again(&id, permit).await?);
        } else if let Some(row) = self.throw_away(permit, &mut proof).await? {
            proof.push(seen_by(&row));
            proof.push(self.find_in_list(&row).await?);
            self.put_json(PROOF, &proof).await?;
            self.put_json(MADE, &Some(&*row.id)).await?;
            proof.push(self.delete_again(&row.id, permit).await?);
        }
        self.put_json(PROOF, &proof).await?;
        self.put_json(MADE, &None::<String>).await
    }

    /// What was proved; empty before.
    pub(super) async fn proof(&self) -> Result<Vec<Check>> {
        Ok(self.fact(PROOF).await?.unwrap_or_default())
    }

    /// The plan's preflight with what was proved, and who confirmed what no call can tell.
    pub(super) async fn proved_preflight(&self, plan: &Plan) -> Result<Preflight> {
        let approval = self.journal.approval(Gate::Plan).await?;
        let confirmed = approval.map(|approval| Confirmed { by: approval.by().to_owned() });
        Ok(Preflight { proved: self.proof().await?, confirmed, ..plan.preflight.clone() })
    }

    /// Name of the throw-away record: always the same, so that one that was left behind is found again.
    fn throw_away_name(&self) -> String {
        format!("Crossdock preflight {}, may be deleted", self.config.name)
    }

    /// The record, new or left behind by an earlier run. `None` when Pipedrive refuses to make one.
    async fn throw_away(&self, permit: &WritePermit, proof: &mut Vec<Check>) -> Result<Option<Row>> {
        let name = self.throw_away_name();
        let made = match self.left_behind(&name).await? {
            Some(row) => Ok((row, true)),
            None => self.make_throw_away(&name, permit).await,
        };
        match made {
            Ok((row, is_dated)) => {
                proof.push(Check::new(MAKE, Outcome::Good, "Our user may make records."));
                proof.push(self.back_dating(is_dated && row.text("add_time") == Some(LONG_AGO)));
                Ok(Some(row))
            }
            Err(error) if error.kind() == Kind::Refused => {
                let says = format!("Pipedrive refuses to make an organization: {}.", error.chain());
                proof.push(Check::new(MAKE, Outcome::Blocks, says));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The record that an earlier run made without knowing it, be it that its call was still on its way when the run ended.
    async fn left_behind(&self, name: &str) -> Result<Option<Row>> {
        if self.journal.fact(PROVING).await?.is_none() {
            return Ok(None);
        }
        if let Some(row) = self.newest_called(name).await? {
            return Ok(Some(row));
        }
        self.outwait("the throw-away record of an earlier run").await?;
        self.newest_called(name).await
    }

    /// Makes the record, with a date of long ago where Pipedrive takes one.
    async fn make_throw_away(&self, name: &str, permit: &WritePermit) -> Result<(Row, bool)> {
        self.journal.put_fact(PROVING, self.clock.utc().to_string()).await?;
        let dated = body(json!({"name": name, "add_time": LONG_AGO}));
        let plain = body(json!({"name": name}));
        let find = async || self.newest_called(name).await;
        let make = async |body: &Map<String, Value>| {
            self.ensure(name, find, async || self.client.create(Entity::Organization, body, permit).await).await
        };
        match make(&dated).await {
            Err(error) if error.kind() == Kind::Refused => Ok((make(&plain).await?, false)),
            made => Ok((made?, true)),
        }
    }

    fn back_dating(&self, is_kept: bool) -> Check {
        let add_time = Target::System("add_time".to_owned());
        let mut fields = self.mapping.destinations().flat_map(|(_, destination)| &destination.fields);
        match (is_kept, fields.any(|field| field.target == add_time)) {
            (true, _) => {
                Check::new(BACK_DATE, Outcome::Good, "Pipedrive keeps the dates of creation that it is given.")
            }
            (false, true) => Check::new(
                BACK_DATE,
                Outcome::Blocks,
                "Pipedrive does not take dates of creation from our user. Use an administrator's token, or take `add_time` \
                 out of the mapping.",
            ),
            (false, false) => Check::new(
                BACK_DATE,
                Outcome::Look,
                "Pipedrive does not take dates of creation from our user; the mapping does not send any.",
            ),
        }
    }

    async fn find_in_list(&self, row: &Row) -> Result<Check> {
        for look in 1..=LOOKS {
            if self.newest().await?.iter().any(|listed| listed.id == row.id) {
                let says =
                    if look == 1 { "It was there at once." } else { "It was there a while later, as lists lag." };
                return Ok(Check::new(LIST, Outcome::Good, says));
            }
            self.pause_for(self.config.pipedrive.list_lag).await;
            self.border().await?;
        }
        let says = "What our user makes does not appear in its lists, so nothing could be proved to be there once and only once.";
        Ok(Check::new(LIST, Outcome::Blocks, says))
    }

    async fn delete_again(&self, id: &str, permit: &WritePermit) -> Result<Check> {
        let gone = async || {
            let there = self.client.get(Entity::Organization, id).await?;
            Ok(there.is_none().then_some(()))
        };
        let delete = async || match self.client.delete(Entity::Organization, id, permit).await {
            // An earlier call of ours was carried out.
            Err(error) if error.kind() == Kind::Gone => Ok(()),
            deleted => deleted,
        };
        match self.ensure("the throw-away record", gone, delete).await {
            Ok(()) => Ok(Check::new(DELETE, Outcome::Good, "Our user may delete; the record is gone.")),
            Err(error) if error.kind() == Kind::Refused => {
                let says = format!(
                    "Pipedrive refuses to delete, so nothing could be taken back: {}. Organization {} is left over.",
                    error.chain(),
                    id
                );
                Ok(Check::new(DELETE, Outcome::Blocks, says))
            }
            Err(error) => Err(error),
        }
    }

    async fn newest_called(&self, name: &str) -> Result<Option<Row>> {
        Ok(self.newest().await?.into_iter().find(|row| row.text("name") == Some(name)))
    }

    /// The newest organizations, as many as one page has.
    async fn newest(&self) -> Result<Vec<Row>> {
        let listing = Listing { order: Order::Newest, ..Listing::default() };
        Ok(self.client.page(Entity::Organization, &listing, None).await?.rows)
    }
}

/// Who sees a record, by the default of our user's settings (`visible_to`: OpenAPI v1 and v2).
fn seen_by(row: &Row) -> Check {
    let seen = match row.body.get("visible_to").and_then(Value::as_i64) {
        Some(1) => "their owner and followers only",
        Some(3) => "the owner's visibility group, or on plans without such groups the whole company",
        Some(5) => "the owner's visibility group and its sub-groups",
        Some(7) => "the whole company",
        _ => return Check::new(SEEN, Outcome::Unknown, "The answer does not say who sees the record."),
    };
    let outcome = if seen.ends_with("only") { Outcome::Look } else { Outcome::Good };
    Check::new(SEEN, outcome, format!("By the default of our user's settings, new records are seen by {seen}."))
}

fn body(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(body) => body,
        _ => Map::new(),
    }
}
