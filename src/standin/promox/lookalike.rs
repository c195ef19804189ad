//! Another kind of CRM export: four files without any key but names, without contacts, with text that does not quite match
//! between files.
//!
//! It has the columns, the proportions and the faults of Maven Analytics' public practice set "CRM Sales Opportunities"
//! (8,800 deals), so that `rehearse --export` can be tried without that set. Every name, number and date is invented.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use jiff::civil::{Date, date};
use rand::Rng as _;
use rand::seq::SliceRandom as _;

use super::export::write_table;
use super::invent::{Dice, dice, person, pick};
use super::spell::iso_day;
use super::words::{COINED_ENDS, COINED_MIDDLES, COINED_STARTS};
use crate::error::Result;

/// Deals of the public set; its counts below are shares of this.
const SET_DEALS: usize = 8_800;
/// Deals in each stage but `Lost`, which has the rest.
const SET_WON: usize = 4_238;
const SET_ENGAGING: usize = 1_589;
const SET_PROSPECTING: usize = 500;
/// Open deals that name no account.
const SET_ENGAGING_WITHOUT_ACCOUNT: usize = 1_088;
const SET_PROSPECTING_WITHOUT_ACCOUNT: usize = 337;

const ACCOUNTS: usize = 85;
const SUBSIDIARIES: usize = 15;
const AGENTS: usize = 35;
/// The last agents have no deal.
const AGENTS_WITHOUT_DEAL: usize = 5;
const MANAGERS: usize = 6;
const REGIONS: [&str; 3] = ["Central", "East", "West"];

/// First day on which a deal may be engaged; the set runs for 438 days.
const FIRST_DAY: Date = date(2023, 10, 20);
const ENGAGE_DAYS: i64 = 300;
const CLOSE_DAYS: i64 = 138;

/// Product as in the catalogue, its name in the pipeline, series, price, and deals in the public set. One name differs.
const PRODUCTS: [Product; 7] = [
    Product { name: "GTX Lite", sold_as: "GTX Lite", series: "GTX", price: 610, set_deals: 1_866 },
    Product { name: "MQ Classic", sold_as: "MQ Classic", series: "MQ", price: 62, set_deals: 1_651 },
    Product { name: "GTX Pro", sold_as: "GTXPro", series: "GTX", price: 4_390, set_deals: 1_480 },
    Product { name: "MQ Select", sold_as: "MQ Select", series: "MQ", price: 3_120, set_deals: 1_412 },
    Product { name: "GTX Plus Lite", sold_as: "GTX Plus Lite", series: "GTX", price: 1_180, set_deals: 1_383 },
    Product { name: "GTX Plus Pro", sold_as: "GTX Plus Pro", series: "GTX", price: 5_240, set_deals: 968 },
    Product { name: "GTK 900", sold_as: "GTK 900", series: "GTK", price: 24_950, set_deals: 40 },
];

/// Sectors; the misspelt one is as common as in the public set.
const SECTORS: &[&str] = &[
    "retail",
    "technolgy",
    "medical",
    "software",
    "marketing",
    "finance",
    "telecommunications",
    "entertainment",
    "services",
    "employment",
];

/// Countries outside the United States, one misspelt.
const ABROAD: &[&str] = &["Philipines", "Kenya", "Norway", "Japan", "Brazil", "Germany", "Poland", "Italy"];

struct Product {
    name: &'static str,
    sold_as: &'static str,
    series: &'static str,
    /// List price in whole dollars.
    price: i64,
    set_deals: usize,
}

/// What the files hold, for tests to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookalike {
    /// Rows of `accounts.csv`.
    pub accounts: usize,
    /// Accounts that name a parent company.
    pub subsidiaries: usize,
    /// Rows of `sales_teams.csv`.
    pub agents: usize,
    /// Agents who appear in no deal.
    pub agents_without_deal: usize,
    /// Rows of `products.csv`.
    pub products: usize,
    /// Rows of `sales_pipeline.csv` by `deal_stage`.
    pub deals: BTreeMap<&'static str, usize>,
    /// Deals that name no account.
    pub without_account: usize,
    /// Deals without close date and close value.
    pub without_close_value: usize,
    /// Deals without engage date.
    pub without_engage_date: usize,
    /// Deals whose product is spelled otherwise than in the catalogue.
    pub product_misspelt: usize,
}

/// Writes `accounts.csv`, `sales_teams.csv`, `products.csv` and `sales_pipeline.csv` into a folder, with CRLF line ends.
/// The same number of deals and seed give the same bytes; 8,800 deals have exactly the counts of the public set.
///
/// # Errors
/// `Settings` when the folder or a file cannot be written.
pub fn maven_lookalike(dir: &Path, deals: usize, seed: u64) -> Result<Lookalike> {
    let mut dice = dice(seed, 0);
    let accounts = account_names(&mut dice);
    let agents = write_teams(dir, &mut dice)?;
    write_accounts(dir, &accounts, &mut dice)?;
    let catalogue = PRODUCTS
        .iter()
        .map(|product| vec![product.name.to_owned(), product.series.to_owned(), product.price.to_string()]);
    write_table(dir, "products.csv", &["product", "series", "sales_price"], catalogue)?;
    let plan = plan(deals);
    let selling = &agents[..AGENTS - AGENTS_WITHOUT_DEAL];
    let rows = deal_rows(&plan, &accounts, selling, &mut dice);
    let header = [
        "opportunity_id",
        "sales_agent",
        "product",
        "account",
        "deal_stage",
        "engage_date",
        "close_date",
        "close_value",
    ];
    let idle = agents.iter().filter(|agent| !rows.iter().any(|row| row[1] == **agent)).count();
    write_table(dir, "sales_pipeline.csv", &header, rows.into_iter())?;
    Ok(Lookalike {
        accounts: ACCOUNTS,
        subsidiaries: SUBSIDIARIES,
        agents: AGENTS,
        agents_without_deal: idle,
        products: PRODUCTS.len(),
        deals: plan.stages.iter().map(|(stage, count, _)| (*stage, *count)).collect(),
        without_account: plan.stages.iter().map(|(_, _, without)| without).sum(),
        without_close_value: plan.count("Engaging") + plan.count("Prospecting"),
        without_engage_date: plan.count("Prospecting"),
        product_misspelt: plan.products.iter().filter(|number| is_misspelt(&PRODUCTS[**number])).count(),
    })
}

fn is_misspelt(product: &Product) -> bool {
    product.name != product.sold_as
}

/// How many deals of which kind, before they are dealt out.
struct Plan {
    /// Stage, deals, and how many of them name no account.
    stages: [(&'static str, usize, usize); 4],
    /// Number of the product of each deal.
    products: Vec<usize>,
}

impl Plan {
    fn count(&self, stage: &str) -> usize {
        self.stages.iter().find(|(name, ..)| *name == stage).map_or(0, |(_, count, _)| *count)
    }
}

fn plan(deals: usize) -> Plan {
    let share = |set_count: usize| deals * set_count / SET_DEALS;
    let (won, engaging, prospecting) = (share(SET_WON), share(SET_ENGAGING), share(SET_PROSPECTING));
    let mut products: Vec<usize> = Vec::with_capacity(deals);
    for (number, product) in PRODUCTS.iter().enumerate() {
        products.extend(std::iter::repeat_n(number, share(product.set_deals)));
    }
    products.resize(deals, 0);
    Plan {
        stages: [
            ("Won", won, 0),
            ("Lost", deals - won - engaging - prospecting, 0),
            ("Engaging", engaging, share(SET_ENGAGING_WITHOUT_ACCOUNT)),
            ("Prospecting", prospecting, share(SET_PROSPECTING_WITHOUT_ACCOUNT)),
        ],
        products,
    }
}

/// The deals: those engaged by date, the others at the end.
fn deal_rows(plan: &Plan, accounts: &[String], agents: &[String], dice: &mut Dice) -> Vec<Vec<String>> {
    let mut products = plan.products.clone();
    products.shuffle(dice);
    let mut ids = HashSet::new();
    let mut rows: Vec<Vec<String>> = Vec::with_capacity(products.len());
    for (stage, count, without_account) in plan.stages {
        for number in 0..count {
            let product = &PRODUCTS[products[rows.len()]];
            // The first round gives every selling agent a deal.
            let agent = match agents.get(rows.len()) {
                Some(agent) => agent.clone(),
                None => agents[dice.random_range(0..agents.len())].clone(),
            };
            let account = &accounts[dice.random_range(0..accounts.len())];
            let account = if number < without_account { String::new() } else { account.clone() };
            let [engaged, closed, value] = dates_and_value(stage, product.price, dice);
            let id = opportunity_id(&mut ids, dice);
            rows.push(vec![id, agent, product.sold_as.to_owned(), account, stage.to_owned(), engaged, closed, value]);
        }
    }
    rows.sort_by(|one, two| (one[5].is_empty(), &one[5], &one[0]).cmp(&(two[5].is_empty(), &two[5], &two[0])));
    rows
}

/// Engage date, close date and close value as a stage has them: a lost deal closes at 0, an open one not at all.
fn dates_and_value(stage: &str, price: i64, dice: &mut Dice) -> [String; 3] {
    let engaged = dice.random_range(0..ENGAGE_DAYS);
    let closed = engaged + dice.random_range(1..=CLOSE_DAYS);
    let value = price * dice.random_range(70..=130) / 100;
    let [engaged, closed] = [engaged, closed].map(|days| iso_day(FIRST_DAY, days));
    match stage {
        "Won" => [engaged, closed, value.to_string()],
        "Lost" => [engaged, closed, "0".to_owned()],
        "Engaging" => [engaged, String::new(), String::new()],
        _ => [String::new(), String::new(), String::new()],
    }
}

/// Eight capital letters and digits that no other deal has.
fn opportunity_id(taken: &mut HashSet<String>, dice: &mut Dice) -> String {
    loop {
        let id: String = (0..8).map(|_| char::from(pick(dice, b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))).collect();
        if taken.insert(id.clone()) {
            return id;
        }
    }
}

/// Coined names, each once, by the alphabet.
fn account_names(dice: &mut Dice) -> Vec<String> {
    let mut names = BTreeSet::new();
    while names.len() < ACCOUNTS {
        names.insert(format!("{}{}{}", pick(dice, COINED_STARTS), pick(dice, COINED_MIDDLES), pick(dice, COINED_ENDS)));
    }
    names.into_iter().collect()
}

/// Every fifth of the first accounts is a subsidiary of one that is none.
fn write_accounts(dir: &Path, names: &[String], dice: &mut Dice) -> Result<usize> {
    let every = ACCOUNTS / SUBSIDIARIES;
    let is_subsidiary = |number: usize| number % every == every - 1 && number / every < SUBSIDIARIES;
    let parents: Vec<&String> =
        names.iter().enumerate().filter(|(number, _)| !is_subsidiary(*number)).map(|(_, name)| name).collect();
    let mut rows = Vec::with_capacity(names.len());
    for (number, name) in names.iter().enumerate() {
        let parent = if is_subsidiary(number) { pick(dice, &parents).clone() } else { String::new() };
        // One in seven sits abroad; the misspelt country comes first.
        let country = if number % 7 == 6 { ABROAD[number / 7 % ABROAD.len()] } else { "United States" };
        let revenue = format!("{}.{:02}", dice.random_range(40..9_000), dice.random_range(0..100));
        rows.push(vec![
            name.clone(),
            SECTORS[number % SECTORS.len()].to_owned(),
            dice.random_range(1979..2018).to_string(),
            revenue,
            dice.random_range(10..20_000).to_string(),
            country.to_owned(),
            parent,
        ]);
    }
    let header = ["account", "sector", "year_established", "revenue", "employees", "office_location", "subsidiary_of"];
    write_table(dir, "accounts.csv", &header, rows.into_iter())
}

/// Writes the agents under their managers, two managers per region, and gives their names in a random order.
fn write_teams(dir: &Path, dice: &mut Dice) -> Result<Vec<String>> {
    let mut names = Vec::with_capacity(AGENTS + MANAGERS);
    while names.len() < AGENTS + MANAGERS {
        let (first, last) = person(dice);
        let name = format!("{first} {last}");
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let managers = names.split_off(AGENTS);
    let rows = names.iter().enumerate().map(|(number, agent)| {
        let manager = number * MANAGERS / AGENTS;
        vec![agent.clone(), managers[manager].clone(), REGIONS[manager / 2].to_owned()]
    });
    write_table(dir, "sales_teams.csv", &["sales_agent", "manager", "regional_office"], rows)?;
    names.shuffle(dice);
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::super::export::tests::read_csv;
    use super::*;

    #[test]
    fn the_lookalike_has_the_counts_of_the_public_set() {
        let dir = tempfile::tempdir().expect("a folder");
        let told = maven_lookalike(dir.path(), 8_800, 7).expect("written");
        let deals = read_csv(dir.path(), "sales_pipeline.csv");
        let count = |field: &str, value: &str| deals.iter().filter(|deal| deal[field] == value).count();
        let stages = ["Won", "Lost", "Engaging", "Prospecting"].map(|stage| count("deal_stage", stage));
        assert_eq!(stages, [4_238, 2_473, 1_589, 500]);
        assert_eq!(told.deals.values().sum::<usize>(), 8_800);
        let empty = ["account", "close_value", "engage_date"].map(|field| count(field, ""));
        assert_eq!(empty, [1_425, 2_089, 500]);
        assert_eq!(empty, [told.without_account, told.without_close_value, told.without_engage_date]);
        assert_eq!((count("product", "GTXPro"), told.product_misspelt), (1_480, 1_480));
        assert_eq!(count("close_value", "0"), 2_473);
        let ids: BTreeSet<&String> = deals.iter().map(|deal| &deal["opportunity_id"]).collect();
        assert_eq!(ids.len(), 8_800);

        let accounts = read_csv(dir.path(), "accounts.csv");
        let names: BTreeSet<&String> = accounts.iter().map(|account| &account["account"]).collect();
        assert_eq!((accounts.len(), names.len()), (85, 85));
        let parents: Vec<&String> =
            accounts.iter().map(|row| &row["subsidiary_of"]).filter(|name| !name.is_empty()).collect();
        assert_eq!((parents.len(), told.subsidiaries), (15, 15));
        assert!(parents.iter().all(|parent| names.contains(parent)));
        assert!(deals.iter().all(|deal| deal["account"].is_empty() || names.contains(&deal["account"])));
        for (field, value) in [("sector", "technolgy"), ("office_location", "Philipines")] {
            assert!(accounts.iter().any(|account| account[field] == value), "{value}");
        }

        let agents = read_csv(dir.path(), "sales_teams.csv");
        let selling: BTreeSet<&String> = deals.iter().map(|deal| &deal["sales_agent"]).collect();
        let managers: BTreeSet<&String> = agents.iter().map(|agent| &agent["manager"]).collect();
        assert_eq!((agents.len(), selling.len(), managers.len(), told.agents_without_deal), (35, 30, 6, 5));
        assert!(agents.iter().all(|agent| !managers.contains(&agent["sales_agent"])));
        assert_eq!(read_csv(dir.path(), "products.csv").len(), 7);
    }

    #[test]
    fn small_lookalikes_are_whole_and_the_same_for_the_same_seed() {
        let files = |seed: u64, deals: usize| -> Vec<Vec<u8>> {
            let dir = tempfile::tempdir().expect("a folder");
            let told = maven_lookalike(dir.path(), deals, seed).expect("written");
            assert_eq!(told.deals.values().sum::<usize>(), deals);
            let names = ["accounts.csv", "sales_teams.csv", "products.csv", "sales_pipeline.csv"];
            names.iter().map(|name| std::fs::read(dir.path().join(name)).expect("the file is there")).collect()
        };
        assert_eq!(files(1, 500), files(1, 500));
        assert_ne!(files(1, 500), files(2, 500));
        files(3, 0);
        files(3, 1);
    }
}
