//! Requests nobody should send: each gets a clear answer, and the API goes on.

use crate::probe::{Probe, encoded};
use bytes::Bytes;
use http::{Request, header};
use http_body_util::Full;
use proptest::prelude::*;

async fn create(probe: &Probe, body: impl Into<Bytes>) -> (u16, String) {
    let request = Request::post("/networks/create").header(header::CONTENT_TYPE, "application/json");
    let answer = probe.send(request.body(Full::new(body.into())).unwrap()).await;
    (answer.status, answer.body)
}

#[tokio::test]
async fn deep_nesting_is_refused() {
    let (status, body) = create(&Probe::new(), format!("{{\"x\":{}", "[".repeat(1_000_000))).await;
    assert_eq!(status, 400);
    assert!(body.contains("recursion limit exceeded"), "{body}");
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let (status, body) = create(&Probe::new(), vec![b' '; (4 << 20) + 1]).await;
    assert_eq!((status, body.as_str()), (413, "{\"message\":\"request body is longer than 4194304 bytes\"}\n"));
}

#[tokio::test]
async fn bytes_that_are_no_text_are_no_trouble() {
    let probe = Probe::new();
    let (status, _) = create(&probe, &b"{\"Name\":\"a\xff\xfe\"}"[..]).await;
    assert_eq!(status, 201);
    assert_eq!(probe.get("/networks/a%EF%BF%BD%EF%BF%BD").await.status, 200);
    for body in [&b"\xff\xfe"[..], b"\x00", b"{\"\xff\":", b"{\"Name\":\"\\ud800\"}"] {
        let (status, body) = create(&probe, body).await;
        assert_eq!(status, 400, "{body}");
        assert!(body.contains("invalid JSON: "), "{body}");
    }
}

#[tokio::test]
async fn long_names_and_control_characters_come_through_or_are_refused_whole() {
    let probe = Probe::new();
    for name in ["x".repeat(300), "a\u{0}\u{1b}[2J\r\nSet-Cookie: x".to_owned(), "\u{202e}é".to_owned()] {
        let body = serde_json::json!({ "Name": name }).to_string();
        let (status, text) = create(&probe, body).await;
        assert_eq!(status, 201, "{text}");
        let path = format!("/networks/{}", encoded(&name).replace('+', "%20"));
        assert_eq!(probe.get(&path).await.json()["Name"], name.as_str());
        let missing = probe.get(&format!("{path}%0d%0aX")).await;
        assert_eq!(missing.status, 404);
        assert_eq!(missing.message(), format!("network {name}\r\nX not found"));
    }
}

#[tokio::test]
async fn expressions_that_explode_elsewhere_are_harmless() {
    let probe = Probe::new();
    probe.network(&format!(r#"{{"Name":"{}"}}"#, "a".repeat(200))).await;
    for pattern in ["(a*)*b", "(a|a)*$", &"(".repeat(10_000), "a{1000000}", "\\"] {
        let filters = encoded(&serde_json::json!({"name": [pattern]}).to_string());
        assert_eq!(probe.get(&format!("/networks?filters={filters}")).await.status, 200);
    }
}

#[tokio::test]
async fn many_fields_and_repeated_ones_are_no_trouble() {
    let probe = Probe::new();
    let fields: Vec<String> = (0..20_000).map(|n| format!("\"f{n}\":{n},\"name\":\"n{n}\"")).collect();
    let (status, _) = create(&probe, format!("{{{}}}", fields.join(","))).await;
    assert_eq!(status, 201);
    assert_eq!(probe.get("/networks/n19999").await.status, 200);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whatever the body, the answer is a network, or an error with a message, never a breakdown.
    #[test]
    fn no_body_breaks_the_api(body in any::<Vec<u8>>(), path in "[a-z/]{0,12}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let probe = Probe::new();
            for target in ["/networks/create", "/networks/bridge/connect", "/pontoon/v1/sandboxes/create"] {
                let request = Request::post(target).header(header::CONTENT_TYPE, "application/json");
                let answer = probe.send(request.body(Full::new(body.clone().into())).unwrap()).await;
                assert!(matches!(answer.status, 201 | 400 | 404), "{target}: {}", answer.body);
            }
            let answer = probe.get(&format!("/{path}")).await;
            assert!(answer.status < 500 || answer.status == 501, "{path}: {}", answer.body);
        });
    }

    /// Bodies that are nearly right find more than noise does.
    #[test]
    fn no_field_value_breaks_the_api(field in "(Name|IPAM|Options|Labels|EnableIPv6|Containers|Networks|PortBindings|Dns|ExtraHosts|Namespace|EndpointConfig)",
        value in "(null|1|-1|1.5|true|\"\"|\"x\"|\"::1%a\"|\\[\\]|\\{\\}|\\[null\\]|\\[\"\"\\]|\\{\"a\":null\\}|\\{\"Config\":\\[\\{\"Subnet\":\"::/0\"\\}\\]\\}|\\{\"80\":\\[\\{\\}\\]\\}|1e999|99999999999999999999)") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let probe = Probe::new();
            for target in ["/networks/create", "/networks/bridge/connect", "/pontoon/v1/sandboxes/create"] {
                let answer = probe.post(target, &format!("{{\"Name\":\"n\",\"{field}\":{value}}}")).await;
                assert!(matches!(answer.status, 201 | 400 | 404), "{target}: {}", answer.body);
            }
        });
    }
}
