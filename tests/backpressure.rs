//! Back-pressure, counted exactly: while Pipedrive holds its answers, extract reads as many batches ahead as queues and
//! stages have places for, and not one more.
//!
//! What is known about a running step is what an operator sees of it too: the metrics of the stages and the rows at the
//! other end. The answers are held on a stepped clock, which passes only when nothing else can happen, so in the middle of
//! a hold every stage has gone as far as it can.

#![cfg(feature = "standin")]

#[expect(dead_code, reason = "the tests of the load alone use more of it")]
#[path = "support/bench.rs"]
mod bench;

use std::sync::Arc;
use std::time::Duration;

use crossdock::config::Conflict;
use crossdock::mapping::Mapping;
use crossdock::pipeline::{self, Capacities, Parts, Sink, Step};
use crossdock::progress::Progress;
use crossdock::record::{Entity, Object};
use crossdock::stage::cpu::Cpu;
use crossdock::stage::extract::{PAGE_RECORDS, Which};
use crossdock::stage::load::{BATCHES_INTENDED, LoadLimits, Loader};
use crossdock::stage::resolve::{LOOKUPS, OwnerBook, Resolver, ResolverParts, Workspace};
use crossdock::standin::pipedrive::{FaultKind, FaultRule};
use crossdock::stop::{self, Stop, Stopper};
use crossdock::telemetry;
use metrics_exporter_prometheus::PrometheusHandle;

use bench::{Bench, LIST_LAG, TIMEOUT, drive, unlimited};

/// What the step makes: it needs no links, owners or keys, so that no record leaves the flow on its way.
const MADE: Entity = Entity::Activity;

const MAPPING: &str = r#"
version = 1
[defaults]
currency = "USD"
time_zone = "UTC"
day_order = "month_first"
phone_country = "US"
decimal_sign = "point"
[[object]]
kind = "task"
table = "tasks"
id = "id"
[[object.to]]
entity = "activity"
fields = [{ to = "subject", kind = "text", from = "value" }]
"#;

/// How long every answer to a write is held: less than a call may take.
const HOLD: Duration = Duration::from_secs(20);

/// When things are looked at during a hold: the depths of the queues are told every five seconds.
const LOOK: Duration = Duration::from_secs(12);

/// Batches that load must have begun before everything is full. A stage that looks at several batches at once takes fewer
/// while the flow begins and the queue before it is still empty; each batch that goes on fills up one more stage, from the
/// last one to the first.
const BATCHES_UNTIL_FULL: usize = 6;

/// Batches that load begins while everything is full.
const BATCHES_FULL: usize = 4;

/// Batches that are landed beyond those that can be read: it is not their end that stops extract.
const BATCHES_MORE: usize = 3;

/// The bounds of one flow.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    capacities: Capacities,
    cpu_threads: usize,
    calls_in_flight: usize,
}

/// The bounds as they are by default, on one CPU thread.
const DEFAULT: Bounds = Bounds {
    capacities: Capacities { dedupe: 2, normalize: 4, resolve: 4, load: 2 },
    cpu_threads: 1,
    calls_in_flight: 64,
};

/// Other bounds, each another number.
const OTHER: Bounds = Bounds {
    capacities: Capacities { dedupe: 5, normalize: 3, resolve: 2, load: 4 },
    cpu_threads: 2,
    calls_in_flight: 96,
};

impl Bounds {
    /// Batches that extract has read when so many writes were sent and everything is full.
    fn batches_read(&self, writes: usize) -> usize {
        let Capacities { dedupe, normalize, resolve, load } = self.capacities;
        let in_queues = dedupe + normalize + resolve + load;
        // One of those that load may intend is the one that it sends from.
        let in_stages = 1 + self.cpu_threads + self.cpu_threads + LOOKUPS + (BATCHES_INTENDED - 1);
        writes.div_ceil(PAGE_RECORDS) + in_queues + in_stages
    }

    /// Batches to land, so that some are left when load has begun the last one that the test waits for.
    fn batches(&self) -> usize {
        self.batches_read((BATCHES_UNTIL_FULL + BATCHES_FULL) * PAGE_RECORDS) + BATCHES_MORE
    }
}

/// A step over landed rows towards a Pipedrive that holds its answers.
struct Flow {
    bench: Bench,
    bounds: Bounds,
    metrics: PrometheusHandle,
    mapping: Arc<Mapping>,
    cpu: Cpu,
    loader: Arc<Loader>,
    stopper: Stopper,
    stop: Stop,
    /// Writes sent so far.
    sent: usize,
}

/// Lands more records than the flow has places for, and runs a test on it.
fn flow<F: Future<Output = ()>>(bounds: Bounds, test: impl FnOnce(Flow) -> F) {
    let recorder = telemetry::builder("m1").expect("the buckets are not empty").build_recorder();
    let metrics = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        drive(unlimited(), |bench| async move {
            bench.land(MADE, 0..bounds.batches() * PAGE_RECORDS, "first").await;
            let late = FaultRule::new(FaultKind::AnswerLate { wait: HOLD });
            bench.running.set_faults(vec![FaultRule { method: Some("POST".to_owned()), ..late }]);
            let calls_in_flight = bounds.calls_in_flight;
            let loader =
                bench.loader_with(LoadLimits { calls_in_flight, list_lag: LIST_LAG, conflict: Conflict::Source });
            loader.begin(MADE).await.expect("begun");
            let mapping = Arc::new(Mapping::parse(MAPPING, "mapping.toml").expect("a mapping"));
            let cpu = Cpu::start(bounds.cpu_threads, bench.clock.clone()).expect("threads");
            let (stopper, stop) = stop::switch();
            test(Flow { bench, bounds, metrics, mapping, cpu, loader, stopper, stop, sent: 0 }).await;
        });
    });
}

impl Flow {
    /// The whole step; run it beside what looks at it.
    fn step(&self, stop: &Stop) -> impl Future<Output = ()> + use<> {
        let (journal, mapping) = (self.bench.journal.clone(), Arc::clone(&self.mapping));
        let (workspace, owners) = (Workspace::default(), OwnerBook::default());
        let (clock, progress) = (self.bench.clock.clone(), Progress::default());
        let (kept, rules) = (journal.clone(), Arc::clone(&mapping));
        let resolver =
            Resolver::new(ResolverParts { journal: kept, mapping: rules, clock, workspace, owners, progress });
        let parts = Parts {
            clock: self.bench.clock.clone(),
            journal,
            mapping,
            cpu: self.cpu.clone(),
            capacities: self.bounds.capacities,
            stop: stop.clone(),
        };
        let step = Step { entity: MADE, objects: vec![Object::Task], which: Which::Pending };
        let sink = Sink::Load(Arc::new(resolver), Arc::clone(&self.loader));
        async move { pipeline::run(&parts, step, sink).await.expect("the step ends well") }
    }

    /// Looks at every hold until load has begun enough batches with everything full, and ends in the middle of one.
    async fn fill(&mut self) {
        assert!(LOOK < HOLD && HOLD < TIMEOUT);
        self.bench.clock.sleep(LOOK).await;
        loop {
            let more = self.rows() - self.sent;
            assert_eq!(more, self.bounds.calls_in_flight, "{:?}: calls in flight", self.bounds);
            self.sent += more;
            let begun = self.sent.div_ceil(PAGE_RECORDS);
            self.look(begun > BATCHES_UNTIL_FULL);
            if begun == BATCHES_UNTIL_FULL + BATCHES_FULL {
                return;
            }
            self.bench.clock.sleep(HOLD).await;
        }
    }

    fn look(&self, is_full: bool) {
        let (read, bound) = (self.batches_read(), self.bounds.batches_read(self.sent));
        let what = format!("{:?}: batches read with {} writes sent", self.bounds, self.sent);
        if !is_full {
            assert!(read <= bound, "{what}: {read} are more than {bound}");
            return;
        }
        assert_eq!(read, bound, "{what}");
        let Capacities { dedupe, normalize, resolve, load } = self.bounds.capacities;
        for (stage, capacity) in [("dedupe", dedupe), ("normalize", normalize), ("resolve", resolve), ("load", load)] {
            assert_eq!(self.metric("crossdock_stage_queue_depth", stage), capacity, "{what}: before {stage}");
            assert_eq!(self.metric("crossdock_stage_queue_capacity", stage), capacity, "{what}: before {stage}");
        }
    }

    /// Batches that extract has read.
    fn batches_read(&self) -> usize {
        self.metric("crossdock_stage_batch_seconds_count", "extract")
    }

    fn metric(&self, name: &str, stage: &str) -> usize {
        let (scrape, label) = (self.metrics.render(), format!("stage=\"{stage}\""));
        let line = scrape.lines().find(|line| line.starts_with(&format!("{name}{{")) && line.contains(&label));
        let number = line.and_then(|line| line.rsplit_once(' ')).and_then(|(_, number)| number.parse().ok());
        number.unwrap_or_else(|| panic!("no number for {name} of {stage} in\n{scrape}"))
    }

    /// Records at the other end.
    fn rows(&self) -> usize {
        self.bench.running.rows(MADE).len()
    }

    /// Lets every answer through.
    fn release(&self) {
        self.bench.running.set_faults(Vec::new());
    }

    /// All records up to a number are there once and nothing is in doubt.
    async fn check_loaded(&self, records: usize) {
        assert_eq!((self.rows(), self.bench.in_doubt().await), (records, 0), "{:?}", self.bounds);
        let live = self.bench.live(MADE);
        for number in 0..records {
            self.bench.the_record(&live, MADE, number).await;
        }
    }
}

/// Extract reads exactly as far as there are places, and everything arrives once the answers come.
fn reads_as_far_as_there_are_places(bounds: Bounds) {
    flow(bounds, |mut flow| async move {
        let step = flow.step(&flow.stop);
        let looks = async {
            flow.fill().await;
            assert_eq!(flow.batches_read(), bounds.batches() - BATCHES_MORE);
            flow.release();
        };
        tokio::join!(step, looks);
        flow.check_loaded(bounds.batches() * PAGE_RECORDS).await;
    });
}

#[test]
fn by_default() {
    assert_eq!(DEFAULT.capacities, Capacities::default());
    reads_as_far_as_there_are_places(DEFAULT);
}

#[test]
fn with_other_bounds() {
    reads_as_far_as_there_are_places(OTHER);
}

#[test]
fn a_stop_drains_what_is_under_way_and_reads_no_further() {
    flow(DEFAULT, |mut flow| async move {
        let step = flow.step(&flow.stop);
        let looks = async {
            flow.fill().await;
            flow.stopper.stop();
            // What cannot go on does not: a stop drops nothing and hurries nothing.
            flow.bench.clock.sleep(Duration::from_secs(1)).await;
            flow.look(true);
            flow.release();
        };
        tokio::join!(step, looks);
        let read = flow.batches_read();
        assert_eq!(read, DEFAULT.batches() - BATCHES_MORE);
        flow.check_loaded(read * PAGE_RECORDS).await;

        // The next run takes up where this one ended.
        let (_stopper, stop) = stop::switch();
        flow.step(&stop).await;
        flow.check_loaded(DEFAULT.batches() * PAGE_RECORDS).await;
    });
}
