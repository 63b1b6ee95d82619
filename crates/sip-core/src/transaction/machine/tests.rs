//! Each table as text: a changed transition shows in review.

use std::fmt::{Debug, Write as _};

fn table<S: Debug + Copy + PartialEq, I: Debug + Copy, D: Debug + PartialEq>(
    states: &[S],
    inputs: &[I],
    step: impl Fn(S, I) -> (S, D),
    ignore: &D,
) -> String {
    let mut text = String::new();
    for &state in states {
        for &input in inputs {
            let (next, deed) = step(state, input);
            if next != state || deed != *ignore {
                writeln!(text, "{state:?} {input:?} -> {next:?} {deed:?}").unwrap();
            }
        }
    }
    text
}

fn check(actual: &str, expected: &str) {
    let lines: Vec<&str> = expected.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    assert_eq!(actual.lines().collect::<Vec<_>>(), lines, "\n{actual}");
}

#[test]
fn invite_client_table() {
    use super::ClientDeed;
    use super::invite_client::{Input::*, State::*, step};
    let states = [Calling, Proceeding, Accepted, Completed, Terminated];
    let inputs = [Provisional, Success, Failure, Resend, Expire, TransportError];
    check(
        &table(&states, &inputs, step, &ClientDeed::Ignore),
        "
        Calling Provisional -> Proceeding Report
        Calling Success -> Accepted Report
        Calling Failure -> Completed AckAndReport
        Calling Resend -> Calling Resend
        Calling Expire -> Terminated ReportTimeout
        Calling TransportError -> Terminated ReportFailure
        Proceeding Provisional -> Proceeding Report
        Proceeding Success -> Accepted Report
        Proceeding Failure -> Completed AckAndReport
        Proceeding Resend -> Proceeding ResendCancel
        Proceeding Expire -> Terminated ReportTimeout
        Accepted Success -> Accepted Report
        Accepted Expire -> Terminated Ignore
        Completed Failure -> Completed Ack
        Completed Expire -> Terminated Ignore
        Completed TransportError -> Terminated Ignore
        ",
    );
}

#[test]
fn other_client_table() {
    use super::ClientDeed;
    use super::other_client::{Input::*, State::*, step};
    let states = [Trying, Proceeding, Completed, Terminated];
    let inputs = [Provisional, Final, Resend, Expire, TransportError];
    check(
        &table(&states, &inputs, step, &ClientDeed::Ignore),
        "
        Trying Provisional -> Proceeding Report
        Trying Final -> Completed Report
        Trying Resend -> Trying Resend
        Trying Expire -> Terminated ReportTimeout
        Trying TransportError -> Terminated ReportFailure
        Proceeding Provisional -> Proceeding Report
        Proceeding Final -> Completed Report
        Proceeding Resend -> Proceeding Resend
        Proceeding Expire -> Terminated ReportTimeout
        Proceeding TransportError -> Terminated ReportFailure
        Completed Expire -> Terminated Ignore
        ",
    );
}

#[test]
fn invite_server_table() {
    use super::ServerDeed;
    use super::invite_server::{Input::*, State::*, step};
    let states = [Proceeding, Accepted, Completed, Confirmed, Terminated];
    let inputs = [Invite, Ack, Provisional, Success, Failure, Resend, Expire, TransportError];
    check(
        &table(&states, &inputs, step, &ServerDeed::Ignore),
        "
        Proceeding Invite -> Proceeding Resend
        Proceeding Provisional -> Proceeding Send
        Proceeding Success -> Accepted Send
        Proceeding Failure -> Completed Send
        Proceeding Resend -> Proceeding TryingOrReliable
        Accepted Ack -> Accepted Pass
        Accepted Resend -> Accepted ResendSlower
        Accepted Expire -> Terminated Ignore
        Completed Invite -> Completed Resend
        Completed Ack -> Confirmed Ignore
        Completed Resend -> Completed ResendSlower
        Completed Expire -> Terminated Ignore
        Confirmed Expire -> Terminated Ignore
        ",
    );
}

#[test]
fn other_server_table() {
    use super::ServerDeed;
    use super::other_server::{Input::*, State::*, step};
    let states = [Trying, Proceeding, Completed, Terminated];
    let inputs = [Request, Provisional, Final, Expire, TransportError];
    check(
        &table(&states, &inputs, step, &ServerDeed::Ignore),
        "
        Trying Provisional -> Proceeding Send
        Trying Final -> Completed Send
        Trying Expire -> Terminated Ignore
        Proceeding Request -> Proceeding Resend
        Proceeding Provisional -> Proceeding Send
        Proceeding Final -> Completed Send
        Proceeding Expire -> Terminated Ignore
        Proceeding TransportError -> Terminated Ignore
        Completed Request -> Completed Resend
        Completed Expire -> Terminated Ignore
        Completed TransportError -> Terminated Ignore
        ",
    );
}
