//! How good proposed mappings are: the proposer against labelled field lists of other CRMs (`README.md` beside this file).
//!
//! Prints, for each half and catalogue, the share of fields whose first answer, or one of whose first three, is accepted;
//! how many are proposed with a confidence of at least 0.9, and how many of these are wrong; and the expected calibration
//! error (ten equal bins). Beside it stands a plain comparison of names, under the same rules.
//!
//! `cargo bench --bench map -- [--half tune|test|fresh|unseen|untouched|untouched2] [--held-out] [--wrong] [--answers]`; `--held-out`
//! forgets for each CRM what it alone brought into the vocabulary; `--wrong` lists what is wrong in the halves that may be
//! looked at, `--answers` everything there as lines of JSON. The half `untouched2` is run only when it is named, because it
//! counts once.

mod baseline;
mod catalogue;
mod held_out;
mod tally;

use crossdock::propose::vocabulary::Vocabulary;

use catalogue::{Catalogue, Half, read_all};
use tally::Tally;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let half = after("--half")
        .map(|text| Half::parse(&text).expect("--half is tune, test, fresh, unseen, untouched or untouched2"));
    let is_wanted = |split: Half| half.map_or(split.is_open(), |half| half == split);
    let catalogues = read_all().expect("the catalogues can be read");
    let mut vocabulary = Vocabulary::shipped().expect("the vocabulary is tested");
    let is_asked = |option: &str| arguments.iter().any(|argument| argument == option);
    let mut out = String::new();
    for split in Half::ALL.into_iter().filter(|split| is_wanted(*split)) {
        let own: Vec<&Catalogue> = catalogues.iter().filter(|catalogue| catalogue.split == split).collect();
        out.push_str(&format!("\n{}\n{}\n", split.as_str(), tally::HEAD));
        let (mut all, mut all_plain) = (Tally::default(), Tally::default());
        for catalogue in own {
            let shows = |option: &str| split.is_open() && is_asked(option);
            if is_asked("--held-out") {
                vocabulary.forget(held_out::only_in(catalogue, &catalogues, &vocabulary));
            }
            let (tally, judged) = tally::proposed(catalogue, &vocabulary);
            let plain = tally::plain(catalogue);
            out.push_str(&tally.line(&catalogue.name));
            out.push_str(&plain.line("  names only"));
            if shows("--wrong") {
                let wrong = judged.iter().filter(|judged| !judged.is_first);
                wrong.for_each(|judged| out.push_str(&format!("    {}\n", judged.line())));
            }
            if shows("--answers") {
                judged.iter().for_each(|judged| out.push_str(&format!("{}\n", judged.answers(&catalogue.name))));
            }
            all.add(&tally);
            all_plain.add(&plain);
        }
        out.push_str(&all.line("all"));
        out.push_str(&all_plain.line("  names only"));
    }
    print(&out);
}

#[expect(clippy::print_stdout, reason = "a benchmark tells its figures")]
fn print(text: &str) {
    println!("{text}");
}
