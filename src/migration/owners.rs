//! The source's owners: their names for texts, and the users who stand for them.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Migration;
use super::survey::Needs;
use crate::clean::keys::key;
use crate::error::{Error, Kind, Result};
use crate::journal::RoleFate;
use crate::mapping::Mapping;
use crate::mapping::called::{Called, NAMES_MAX};
use crate::mapping::object::Destination;
use crate::pipedrive::User;
use crate::record::{BindingKey, Entity, Fate, FieldValue, Object};
use crate::report::owners::{OwnerLine, OwnerUser};
use crate::stage::extract::PAGE_RECORDS;
use crate::stage::normalize::{Normalized, RoleResult, normalize};
use crate::stage::resolve::{Assignment, OwnerBook, SourceOwner};

/// The role of owners.
const USER: &str = "user";

/// How long the account's users are taken as known. Shorter than the pause between two rounds of changes, so that somebody
/// new is seen in the next one; longer than the steps between which nobody waits.
const KNOWN: SignedDuration = SignedDuration::from_secs(20);

/// The account's users, and when they were read.
pub(super) type Known = std::sync::Mutex<Option<(Timestamp, Arc<Vec<User>>)>>;

impl Migration {
    /// The mapping with the owners' names in it, so that texts show names and not ids.
    pub(super) async fn named_mapping(&self) -> Result<Arc<Mapping>> {
        let mut mapping = self.mapping.clone();
        self.tell_names(&mut mapping).await?;
        Ok(Arc::new(mapping))
    }

    /// Tells a mapping what owners, and records that links name, are called.
    pub(super) async fn tell_names(&self, mapping: &mut Mapping) -> Result<()> {
        let owners = self.owners().await?;
        mapping
            .owners
            .set_called(owners.iter().map(|owner| (owner.id.as_str(), [owner.email.as_str(), owner.name.as_str()])));
        mapping.owners.set_names(owners.into_iter().map(|owner| (owner.id, owner.name)));
        let mut called = Called::default();
        for object in Called::wanted(mapping) {
            let Some(rules) = mapping.object(object) else { continue };
            let mut after_seq = 0;
            loop {
                let page = self.journal.landed(object, after_seq, PAGE_RECORDS).await?;
                let Some(last) = page.last() else { break };
                after_seq = last.seq;
                for landed in page.iter().filter(|landed| !landed.record.deleted) {
                    let row = &landed.record.payload;
                    let same = |to: &Destination| key(&to.duplicate_key, row, &mapping.owners, &mapping.defaults);
                    called.add(rules, (&landed.record.id, row), mapping, same);
                }
                if called.len() > NAMES_MAX {
                    let what = format!("links by name to {object} records: more than {NAMES_MAX} names; use ids");
                    return Err(Error::new(Kind::Settings, what));
                }
            }
        }
        mapping.called = Arc::new(called);
        Ok(())
    }

    /// Every landed owner.
    ///
    /// # Errors
    /// `Journal`.
    pub async fn owners(&self) -> Result<Vec<SourceOwner>> {
        Ok(self.source_owners().await?.into_iter().map(|(owner, _)| owner).collect())
    }

    /// Every landed owner, with the version of its record.
    async fn source_owners(&self) -> Result<Vec<(SourceOwner, i64)>> {
        let mut owners = Vec::new();
        let mut after_seq = 0;
        loop {
            let page = self.journal.landed(Object::Owner, after_seq, PAGE_RECORDS).await?;
            let Some(last) = page.last() else { return Ok(owners) };
            after_seq = last.seq;
            for landed in page {
                if let Some(owner) = source_owner(&landed.record, &self.mapping) {
                    owners.push((owner, landed.version));
                }
            }
        }
    }

    /// Says in words who stands for each owner, how many records name it, and how many wait for it with what hangs on them.
    pub(super) async fn owner_lines(&self, book: &OwnerBook, needs: &Needs) -> Result<Vec<OwnerLine>> {
        let line = |owner: SourceOwner| {
            let (user, decision) = match book.assignment(&owner.id) {
                Assignment::User(user) => (OwnerUser::Is(format!("user {user}")), String::new()),
                Assignment::Reassigned(user, _) => (OwnerUser::Is(format!("user {user}")), "reassigned".to_owned()),
                Assignment::Waits(why) => (OwnerUser::Nobody(why), String::new()),
            };
            let records = needs.by_owner.get(&owner.id).copied().unwrap_or_default();
            let with_descendants = needs.waiting.get(&owner.id).cloned().unwrap_or_default();
            OwnerLine { id: owner.id, name: owner.name, email: owner.email, decision, user, records, with_descendants }
        };
        Ok(self.owners().await?.into_iter().map(line).collect())
    }

    /// Reads the account's users again the next time they are asked for: somebody new may be what records wait for.
    pub(super) fn forget_users(&self) {
        *self.users.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
    }

    /// The account's users, as they were a moment ago at the most.
    pub(super) async fn users(&self) -> Result<Arc<Vec<User>>> {
        let now = self.clock.utc();
        let known = || self.users.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((read, users)) = &*known()
            && now.duration_since(*read) < KNOWN
        {
            return Ok(Arc::clone(users));
        }
        let users = Arc::new(self.client.users().await?);
        *known() = Some((now, Arc::clone(&users)));
        Ok(users)
    }

    /// Matches the owners to the account's present users, and writes how each owner's record ends.
    pub(super) async fn match_owners(&self) -> Result<OwnerBook> {
        self.match_owners_to(&self.users().await?).await
    }

    /// The same for users that were read already.
    pub(super) async fn match_owners_to(&self, users: &[User]) -> Result<OwnerBook> {
        let owners = self.source_owners().await?;
        let plain: Vec<SourceOwner> = owners.iter().map(|(owner, _)| owner.clone()).collect();
        let book = self.standing_in(OwnerBook::new(&plain, &self.mapping.owners, users));
        let ends = owners.into_iter().map(|(owner, version)| {
            let key = BindingKey::new(Object::Owner, owner.id.as_str(), USER);
            let end = |fate| RoleFate::new(key, Entity::User, version, fate);
            match book.assignment(&owner.id) {
                Assignment::User(user) if book.is_stood_in(&owner.id) => {
                    end(Fate::Matched).at(user.to_string().into()).because("stood in for in the staging company")
                }
                Assignment::User(user) => end(Fate::Matched).at(user.to_string().into()),
                Assignment::Reassigned(user, _) => {
                    end(Fate::Matched).at(user.to_string().into()).because("reassigned by decision")
                }
                Assignment::Waits(why) => end(Fate::Parked).because(why).waiting_for("owner"),
            }
        });
        self.journal.end_roles(ends.collect()).await?;
        Ok(book)
    }
}

/// Name and address of an owner, as the mapping reads them. Owners that the mapping leaves out keep their id as name.
pub(super) fn source_owner(record: &crate::record::SourceRecord, mapping: &Mapping) -> Option<SourceOwner> {
    let mut owner = SourceOwner { id: record.id.to_string(), ..SourceOwner::default() };
    let Normalized::Roles(roles) = normalize(record, mapping, Some(Entity::User)) else { return None };
    for role in roles {
        if let RoleResult::Draft { draft, .. } = role.result {
            let text = |name: &str| match draft.system(name) {
                Some(FieldValue::Text(text)) => text.clone(),
                Some(FieldValue::Emails(emails)) => emails.first().map(|email| email.value.clone()).unwrap_or_default(),
                _ => String::new(),
            };
            owner.name = text("name");
            owner.email = text("email");
        }
    }
    Some(owner)
}
