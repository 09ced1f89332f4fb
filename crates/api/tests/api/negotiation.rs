//! Versions, headers, unknown paths: what holds for every call.

use crate::probe::Probe;

#[tokio::test]
async fn every_answer_carries_the_daemons_headers() {
    let probe = Probe::new();
    for line in
        ["GET /_ping", "GET /nope", "GET /v9.9/networks", "GET /networks/nope", "GET /containers/json", "OPTIONS /x"]
    {
        let answer = probe.call(line, None).await;
        assert_eq!(answer.header("server"), "Docker/9.9.9 (linux)", "{line}");
        assert_eq!(answer.header("api-version"), "1.56", "{line}");
        assert_eq!(answer.header("ostype"), "linux", "{line}");
    }
}

#[tokio::test]
async fn versions_outside_are_refused_in_dockers_words() {
    let probe = Probe::new();
    for (path, text) in [
        ("/v1.57/networks", "client version 1.57 is too new. Maximum supported API version is 1.56"),
        ("/v1.57/_ping", "client version 1.57 is too new. Maximum supported API version is 1.56"),
        (
            "/v1.23/networks",
            "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version",
        ),
        ("/v2/containers/json", "client version 2 is too new. Maximum supported API version is 1.56"),
    ] {
        let answer = probe.get(path).await;
        assert_eq!((answer.status, answer.message()), (400, text.to_owned()), "{path}");
    }
    for path in ["/networks", "/v1.24/networks", "/v1.56/networks", "/v1.44.3/networks"] {
        assert_eq!(probe.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn what_is_no_page_is_not_found() {
    let probe = Probe::new();
    for line in
        ["GET /nope", "PUT /networks", "HEAD /networks", "GET /v1.99/nope", "POST /networks", "GET /vx/networks"]
    {
        let answer = probe.call(line, None).await;
        assert_eq!((answer.status, answer.body.as_str()), (404, "{\"message\":\"page not found\"}\n"), "{line}");
    }
}

#[tokio::test]
async fn parts_of_the_engine_that_are_not_here_say_so() {
    for (path, text) in [
        ("build", "/build: building images is not supported by Pontoon"),
        ("services/create", "/services/create: swarm mode is not supported by Pontoon"),
        ("distribution/x/json", "/distribution/x/json: this is not supported by Pontoon"),
    ] {
        let answer = Probe::new().post(&format!("/v1.50/{path}"), "{}").await;
        assert_eq!((answer.status, answer.message().as_str()), (501, text));
    }
}

#[tokio::test]
async fn options_are_allowed_and_empty() {
    let answer = Probe::new().call("OPTIONS /v1.50/anything", None).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
}
