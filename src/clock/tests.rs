//! Tests of the clock.

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn stepped() -> Clock {
    Clock::stepped("2026-01-05T00:00:00Z".parse().expect("a valid instant"))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

#[test]
fn a_day_passes_at_once_and_in_order() {
    let clock = stepped();
    runtime().block_on(clock.track(async {
        let (first, second) = (clock.sleep(24 * HOUR), clock.sleep(HOUR));
        second.await;
        assert_eq!(clock.now().elapsed(), HOUR);
        first.await;
        assert_eq!(clock.utc().to_string(), "2026-01-06T00:00:00Z");
    }));
    assert_eq!(clock.as_stepped().map(|stepped| stepped.lock().running), Some(0));
}

#[test]
fn time_stands_still_while_a_job_runs() {
    let clock = stepped();
    runtime().block_on(async {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let job = clock.job();
        let worker = std::thread::spawn({
            let clock = clock.clone();
            move || {
                std::thread::sleep(Duration::from_millis(30));
                sender.send(clock.now()).expect("the receiver waits");
                drop(job);
            }
        });
        let sleeper = tokio::spawn(clock.track({
            let clock = clock.clone();
            async move { clock.sleep(HOUR).await }
        }));
        let at = clock.track(receiver).await.expect("the job answers");
        assert_eq!(at.elapsed(), Duration::ZERO);
        sleeper.await.expect("the sleeper ends");
        worker.join().expect("the job ends");
    });
}

#[test]
fn a_held_answer_lets_time_pass_and_a_kernel_buffer_does_not() {
    let clock = stepped();
    runtime().block_on(async {
        let call = clock.call();
        let header = call.header().map(|id| id.to_string());
        let sleeper = tokio::spawn(clock.track({
            let clock = clock.clone();
            async move { clock.sleep(HOUR).await }
        }));
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(clock.now().elapsed(), Duration::ZERO, "the request is on its way");
        let served = clock.serve(header.as_deref());
        served.hold(2 * HOUR).await;
        sleeper.await.expect("the sleeper ends");
        assert_eq!(clock.now().elapsed(), 2 * HOUR);
        drop(served);
        drop(call);
    });
    assert_eq!(clock.as_stepped().map(|stepped| stepped.lock().running), Some(0));
}

#[test]
fn a_call_given_up_leaves_no_count_behind() {
    let clock = stepped();
    runtime().block_on(clock.track(async {
        let call = clock.call();
        let served = clock.serve(call.header().map(|id| id.to_string()).as_deref());
        let handler = tokio::spawn(clock.track(async move {
            served.hold(2 * HOUR).await;
            drop(served);
        }));
        let gave_up = clock.timeout(HOUR, std::future::pending::<()>()).await;
        assert!(gave_up.is_none());
        drop(call);
        handler.await.expect("the handler ends");
        assert_eq!(clock.now().elapsed(), 2 * HOUR);
    }));
    assert_eq!(clock.as_stepped().map(|stepped| stepped.lock().running), Some(0));
}

#[test]
fn a_dropped_sleep_wakes_nobody() {
    let clock = stepped();
    runtime().block_on(clock.track(async {
        assert_eq!(clock.timeout(24 * HOUR, clock.sleep(HOUR)).await, Some(()));
        clock.sleep(HOUR).await;
        assert_eq!(clock.now().elapsed(), 2 * HOUR);
    }));
}
