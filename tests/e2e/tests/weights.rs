//! Weights: they hold, they change without loss, they survive the control plane, and nobody moves them unseen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Result, ensure};
use cutover_e2e::{Stack, Token, eventually};

/// Percent of `count` requests to `listTasks` that went to rust.
async fn share_on_rust(stack: &Stack, count: usize) -> Result<f64> {
    let mut rust = 0_u32;
    for _ in 0..count {
        let answer = stack.get("/v1/task?limit=1").token(Token::Trader).send().await?;
        ensure!(answer.status == 200, "{answer:?}");
        rust += u32::from(answer.side() == Some("rust"));
    }
    Ok(f64::from(rust) * 100.0 / f64::from(u32::try_from(count)?))
}

#[tokio::test]
async fn a_weight_holds_within_five_points_over_500_requests() -> Result<()> {
    let stack = Stack::start().await?;
    for (weight, low, high) in [(0, 0.0, 0.0), (10, 5.0, 15.0), (50, 45.0, 55.0), (100, 100.0, 100.0)] {
        stack.set_weights(&[&format!("listTasks={weight}")]).await?;
        let share = share_on_rust(&stack, 500).await?;
        assert!((low..=high).contains(&share), "at {weight} % the rust side had {share} %");
    }
    let other = stack.get("/v1/trade").token(Token::Trader).send().await?;
    assert_eq!(other.side(), Some("node"), "another operation moved along");
    Ok(())
}

#[tokio::test]
async fn a_change_is_confirmed_by_name_and_time() -> Result<()> {
    let stack = Stack::start().await?;
    let set = stack
        .cutover(&["weights", "set", "listTasks=12.5", "--wait", "5s", "--reason", "first step"])
        .await?;
    let set = set.success()?;
    assert!(set.stdout.contains("confirmed by 1 of 1"), "{}", set.stdout);
    assert!(set.stdout.contains(" ms"), "{}", set.stdout);
    let history = stack.cutover(&["history", "listTasks"]).await?.success()?;
    assert!(history.stdout.contains("first step"), "{}", history.stdout);
    let status = stack.cutover(&["status"]).await?.success()?;
    let line = status.stdout.lines().find(|line| line.contains("listTasks")).unwrap_or_default();
    assert!(line.contains("12.5"), "{}", status.stdout);
    Ok(())
}

#[tokio::test]
async fn rollback_puts_everything_back() -> Result<()> {
    let stack = Stack::start().await?;
    stack.set_weights(&["listTasks=100", "getTask=40", "unmatched=100"]).await?;
    stack.cutover(&["rollback", "--all", "--wait", "5s", "--reason", "drill"]).await?.success()?;
    for path in ["/v1/task", "/v1/task/1", "/nowhere"] {
        assert_eq!(stack.get(path).token(Token::Trader).send().await?.side(), Some("node"), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn changes_under_load_lose_no_request() -> Result<()> {
    let stack = Arc::new(Stack::start().await?);
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (stack, stop, done) = (Arc::clone(&stack), Arc::clone(&stop), Arc::clone(&done));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let answer = stack.get("/v1/task?limit=1").token(Token::Trader).send().await?;
                    ensure!(answer.status == 200, "{answer:?}");
                    done.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            })
        })
        .collect();
    for weight in ["listTasks=10", "listTasks=50", "listTasks=100", "listTasks=0", "listTasks=75"]
        .iter()
        .cycle()
        .take(15)
    {
        stack.set_weights(&[weight]).await?;
        let before = done.load(Ordering::Relaxed);
        eventually("more traffic", || async {
            ensure!(done.load(Ordering::Relaxed) > before + 20, "still {before}");
            Ok(())
        })
        .await?;
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await??;
    }
    assert!(done.load(Ordering::Relaxed) > 300, "only {} requests were made", done.load(Ordering::Relaxed));
    Ok(())
}

#[tokio::test]
async fn a_control_plane_that_comes_back_moves_no_weight() -> Result<()> {
    let mut stack = Stack::start().await?;
    stack.set_weights(&["listTasks=100"]).await?;
    stack.control_plane()?.kill();
    let while_down = stack.get("/v1/task").token(Token::Trader).send().await?;
    assert_eq!((while_down.status, while_down.side()), (200, Some("rust")), "Envoy must go on alone");
    let refused = stack.cutover(&["weights", "set", "listTasks=0"]).await?.exit(1)?;
    assert!(refused.stderr.contains("cannot reach the control plane"), "{}", refused.stderr);

    stack.start_control_plane()?;
    eventually("Envoy's return", || async {
        let envoys = stack.cutover(&["envoys", "--json"]).await?.success()?.json()?;
        ensure!(envoys["envoys"].as_array().is_some_and(|all| all.len() == 1), "{envoys}");
        Ok(())
    })
    .await?;
    for _ in 0..50 {
        let answer = stack.get("/v1/task").token(Token::Trader).send().await?;
        assert_eq!((answer.status, answer.side()), (200, Some("rust")));
    }
    assert_eq!(stack.get("/v1/trade").token(Token::Trader).send().await?.side(), Some("node"));
    stack.set_weights(&["listTasks=0"]).await?;
    assert_eq!(stack.get("/v1/task").token(Token::Trader).send().await?.side(), Some("node"));
    Ok(())
}

#[tokio::test]
async fn a_change_that_no_envoy_confirms_is_done_but_says_so() -> Result<()> {
    let mut stack = Stack::start().await?;
    stack.stop_envoy();
    eventually("Envoy's departure", || async {
        let envoys = stack.cutover(&["envoys", "--json"]).await?.success()?.json()?;
        ensure!(envoys["envoys"].as_array().is_some_and(Vec::is_empty), "{envoys}");
        Ok(())
    })
    .await?;
    let set = stack.cutover(&["weights", "set", "listTasks=10", "--wait", "500ms"]).await?.exit(3)?;
    assert!(
        set.stdout.contains("no Envoy is connected") || set.stderr.contains("no Envoy is connected"),
        "{set:?}"
    );
    let listed = stack.cutover(&["weights"]).await?.success()?;
    assert!(listed.stdout.contains("10"), "{}", listed.stdout);
    Ok(())
}

#[tokio::test]
async fn bad_weights_change_nothing() -> Result<()> {
    let stack = Stack::start().await?;
    for (argument, hint) in
        [("listTasks=101", "100"), ("listTask=10", "listTasks"), ("listTasks=0.001", "0.01")]
    {
        let refused = stack.cutover(&["weights", "set", "getTask=5", argument]).await?;
        assert!(refused.code == 1 || refused.code == 2, "{refused:?}");
        assert!(refused.stderr.contains(hint), "{refused:?}");
    }
    let history = stack.cutover(&["history", "--json"]).await?.success()?.json()?;
    assert_eq!(history["entries"].as_array().map(Vec::len), Some(0), "{history}");
    Ok(())
}
