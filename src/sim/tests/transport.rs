//! The tenant as a transport, on a clock.

use super::*;

#[tokio::test(start_paused = true)]
async fn round_trips_are_the_longest_chain() {
    let mut tenant = contoso();
    tenant.latency = Duration::from_millis(100);
    let service = Simulated::new(tenant, Clock::starting_at(at(0)));
    let get = || service.send(request(service.token("oust"), "GET", "/organization", None));
    let (a, b, c) = futures::join!(get(), get(), get());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(service.with(|t| t.round_trips()), 1);
    get().await.unwrap();
    assert_eq!(service.with(|t| (t.round_trips(), t.log().len())), (2, 4));
    assert_eq!(service.with(|t| t.log()[3].answered), Some(at(0) + Duration::from_millis(200)));
}

#[tokio::test(start_paused = true)]
async fn faults_of_the_connection_are_send_errors() {
    let mut tenant = contoso();
    for (nth, what) in
        [Fault::RefuseConnection, Fault::Hang { after_effect: false }, Fault::CutBody, Fault::Huge]
            .into_iter()
            .enumerate()
    {
        tenant.faults.plant(Planted::new("/organization", what).nth(u32::try_from(nth).unwrap() + 1));
    }
    let service = Simulated::new(tenant, Clock::starting_at(at(0)));
    let mut errors = vec![];
    for _ in 0..4 {
        errors.push(
            service.send(request(service.token("oust"), "GET", "/organization", None)).await.unwrap_err(),
        );
    }
    assert!(matches!(
        errors[..],
        [SendError::NotSent(_), SendError::NoAnswer(_), SendError::NoAnswer(_), SendError::TooLarge]
    ));
}
