//! What is said to clients, message by message: tables of dns.md sections 3, 4 and 11, and laws for hostile bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says by panicking that it failed")]

mod support;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, RecordType};
use pontoon_dns::{Action, Question, Scratch, Terms, Transport, accepts, answer};
use proptest::prelude::*;
use std::collections::BTreeSet;
use support::client::{addresses, name_of, pointers, query, with_edns};
use support::usual_names;

const UDP: Terms = Terms { transport: Transport::Udp, ndots_set: false };
const TCP: Terms = Terms { transport: Transport::Tcp, ndots_set: false };

fn decide(message: &[u8], terms: Terms) -> (Action, Vec<u8>) {
    // What others had appended before stays.
    let mut out = vec![0xaa; 7];
    let action = answer(message, &usual_names(), terms, &mut Scratch::default(), &mut out);
    assert_eq!(out[..7], [0xaa; 7]);
    (action, out.split_off(7))
}

fn told(message: &Message, terms: Terms) -> Option<Message> {
    let (action, out) = decide(&message.to_vec().unwrap(), terms);
    match action {
        Action::Answered | Action::Rejected => Some(Message::from_vec(&out).unwrap()),
        Action::Forward(_) | Action::Ignore => {
            assert!(out.is_empty());
            None
        }
    }
}

fn question(name: &str, kind: RecordType) -> Question {
    match decide(&query(name, kind).to_vec().unwrap(), UDP).0 {
        Action::Forward(question) => question,
        other => panic!("{other:?}"),
    }
}

#[test]
fn names_of_networks_are_answered_here_and_others_are_not() {
    use RecordType::{A, AAAA, ANY, CNAME, HTTPS, MX, NS, PTR, SOA, SRV, TXT};
    let (empty, forwarded): (Option<&[&str]>, Option<&[&str]>) = (Some(&[]), None);
    let cases: &[(&str, RecordType, Option<&[&str]>)] = &[
        ("web", A, Some(&["10.0.0.2"])),
        ("web", AAAA, Some(&["fd00::2"])),
        ("WeB", A, Some(&["10.0.0.2"])),
        ("0123456789ab", A, Some(&["10.0.0.2"])),
        ("web.mynet", A, Some(&["10.0.0.2"])),
        ("web.MYNET", A, forwarded),
        ("six.back.end", AAAA, Some(&["fd01::6"])),
        ("six", A, empty),
        ("old", AAAA, empty),
        ("web", MX, empty),
        ("six", MX, empty),
        ("web", TXT, empty),
        ("web", HTTPS, empty),
        ("web", ANY, empty),
        ("web.mynet", CNAME, empty),
        ("web", PTR, empty),
        ("nobody", A, forwarded),
        ("nobody", TXT, forwarded),
        ("mynet", A, forwarded),
        ("_http._tcp.web", SRV, forwarded),
        ("example.com", MX, forwarded),
        ("example.com", NS, forwarded),
        ("", A, forwarded),
        ("", SOA, forwarded),
        ("9.0.0.10.in-addr.arpa", PTR, forwarded),
        ("10.in-addr.arpa", PTR, forwarded),
    ];
    for (name, kind, expected) in cases {
        let reply = told(&query(name, *kind), UDP);
        let found = reply.as_ref().map(|reply| addresses(reply).iter().map(ToString::to_string).collect::<Vec<_>>());
        let expected = expected.map(|list| list.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(found, expected, "{name} {kind}");
        if let Some(reply) = reply {
            assert_eq!(reply.metadata.response_code, ResponseCode::NoError, "{name} {kind}");
        }
    }
}

#[test]
fn addresses_are_answered_with_name_and_network() {
    let six = "2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa";
    for name in ["2.0.0.10.in-addr.arpa", "2.0.0.10.IN-ADDR.ARPA", six] {
        let reply = told(&query(name, RecordType::PTR), UDP).unwrap();
        assert_eq!(pointers(&reply), ["web.mynet."], "{name}");
        assert_eq!(reply.answers[0].name, name_of(name));
    }
}

#[test]
fn a_local_answer_has_dockers_header_and_lifetime_and_the_name_as_it_was_asked() {
    let mut asked = query("wEb", RecordType::A);
    asked.metadata.checking_disabled = true;
    asked.metadata.authentic_data = true;
    let reply = told(&asked, UDP).unwrap();
    let metadata = reply.metadata;
    assert_eq!((metadata.id, metadata.op_code), (asked.metadata.id, OpCode::Query));
    assert_eq!(metadata.message_type, MessageType::Response);
    assert!(metadata.recursion_available && metadata.recursion_desired && metadata.checking_disabled);
    assert!(!metadata.authoritative && !metadata.truncation && !metadata.authentic_data);
    assert_eq!(reply.queries, asked.queries);
    let record = &reply.answers[0];
    assert!(record.name.eq_case(&name_of("wEb")), "{}", record.name);
    assert_eq!((record.ttl, record.dns_class), (600, DNSClass::IN));
    assert!(reply.edns.is_none());
    asked.metadata.recursion_desired = false;
    assert!(!told(&asked, UDP).unwrap().metadata.recursion_desired);
}

#[test]
fn an_opt_record_is_answered_with_one_and_an_unknown_version_refused() {
    for (name, dnssec_ok) in [("web", false), ("web", true), ("old", true)] {
        let reply = told(&with_edns(query(name, RecordType::AAAA), 4096, dnssec_ok), UDP).unwrap();
        let edns = reply.edns.unwrap();
        assert_eq!((edns.version(), edns.flags().dnssec_ok, edns.max_payload()), (0, dnssec_ok, 1232));
    }
    let mut newer = with_edns(query("web", RecordType::A), 4096, false);
    newer.edns.as_mut().unwrap().set_version(1);
    let reply = told(&newer, UDP).unwrap();
    assert_eq!(u16::from(reply.metadata.response_code), u16::from(ResponseCode::BADVERS));
    assert!(reply.answers.is_empty());
}

#[test]
fn what_does_not_fit_is_cut_and_marked() {
    let plain = query("many", RecordType::A);
    let cases = [
        (plain.clone(), UDP, 512),
        (with_edns(plain.clone(), 0, false), UDP, 512),
        (with_edns(plain.clone(), 600, false), UDP, 600),
        (with_edns(plain.clone(), 1232, false), UDP, 1232),
        (plain.clone(), TCP, 65535),
    ];
    for (asked, terms, limit) in cases {
        let (_, bytes) = decide(&asked.to_vec().unwrap(), terms);
        let reply = Message::from_vec(&bytes).unwrap();
        let found: BTreeSet<_> = addresses(&reply).into_iter().collect();
        assert!(bytes.len() <= limit, "{} > {limit}", bytes.len());
        assert_eq!(found.len(), reply.answers.len(), "no address twice");
        assert_eq!(reply.metadata.truncation, limit < 1232, "{limit}");
        // As many as there is room for.
        assert!(found.len() == 40 || bytes.len() + 16 > limit, "{} of {limit} bytes", bytes.len());
        assert_eq!(reply.edns.is_some(), asked.edns.is_some());
    }
}

#[test]
fn several_addresses_come_in_changing_order() {
    let names = usual_names();
    let (mut scratch, mut firsts) = (Scratch::default(), BTreeSet::new());
    let asked = with_edns(query("many", RecordType::A), 4096, false).to_vec().unwrap();
    for _ in 0..200 {
        let mut out = Vec::new();
        assert_eq!(answer(&asked, &names, UDP, &mut scratch, &mut out), Action::Answered);
        firsts.insert(addresses(&Message::from_vec(&out).unwrap())[0]);
    }
    assert!(firsts.len() > 20, "{} of 40 were ever first", firsts.len());
}

#[test]
fn with_an_ndots_option_unknown_single_labels_are_said_to_be_empty() {
    let terms = Terms { ndots_set: true, ..UDP };
    for (name, kind, here) in [
        ("nobody", RecordType::A, true),
        ("nobody", RecordType::AAAA, true),
        ("nobody", RecordType::MX, false),
        ("nobody.example", RecordType::A, false),
        ("", RecordType::A, false),
    ] {
        let reply = told(&query(name, kind), terms);
        assert_eq!(reply.is_some(), here, "{name} {kind}");
        assert!(
            reply.is_none_or(|reply| reply.metadata.response_code == ResponseCode::NoError && reply.answers.is_empty())
        );
    }
}

#[test]
fn what_is_no_query_gets_a_status_or_silence() {
    let whole = query("web", RecordType::A).to_vec().unwrap();
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = whole.clone();
        change(&mut bytes);
        bytes
    };
    let silent = [
        Vec::new(),
        whole[..11].to_vec(),
        changed(&|bytes| bytes[2] |= 0x80),
        changed(&|bytes| bytes[5] = 0),
        whole[..12].iter().copied().take(5).chain([0; 7]).collect(),
    ];
    for bytes in silent {
        assert_eq!(decide(&bytes, UDP), (Action::Ignore, Vec::new()), "{bytes:?}");
    }
    let statuses = [
        (changed(&|bytes| bytes[2] |= 0x28), ResponseCode::NotImp),
        (changed(&|bytes| bytes[2] |= 0x20), ResponseCode::NotImp),
        (whole[..12].to_vec(), ResponseCode::FormErr),
        (whole[..whole.len() - 1].to_vec(), ResponseCode::FormErr),
        (changed(&|bytes| bytes[12] = 0x40), ResponseCode::FormErr),
        (changed(&|bytes| bytes[12..14].copy_from_slice(&[0xc0, 12])), ResponseCode::FormErr),
        (changed(&|bytes| bytes[12..14].copy_from_slice(&[0xc0, 0])), ResponseCode::FormErr),
        (changed(&|bytes| bytes[11] = 1), ResponseCode::FormErr),
        (changed(&|bytes| bytes[7] = 1), ResponseCode::FormErr),
        (query("web", RecordType::AXFR).to_vec().unwrap(), ResponseCode::NotImp),
    ];
    for (bytes, code) in statuses {
        let (action, out) = decide(&bytes, UDP);
        let reply = Message::from_vec(&out).unwrap();
        assert_eq!((action, reply.metadata.response_code), (Action::Rejected, code), "{bytes:?}");
        assert_eq!(out[..2], bytes[..2]);
    }
}

#[test]
fn only_the_first_question_counts_and_records_in_odd_places_do_no_harm() {
    let mut two = query("web", RecordType::A);
    two.add_query(Query::query(name_of("old"), RecordType::A));
    let reply = told(&two, UDP).unwrap();
    assert_eq!((reply.queries.len(), addresses(&reply)), (1, vec![support::ip("10.0.0.2")]));
    let mut odd = with_edns(query("web", RecordType::A), 600, true);
    odd.add_additional(hickory_proto::rr::Record::from_rdata(
        name_of("x"),
        1,
        hickory_proto::rr::RData::A(hickory_proto::rr::rdata::A::new(1, 2, 3, 4)),
    ));
    let reply = told(&odd, UDP).unwrap();
    assert_eq!(addresses(&reply), vec![support::ip("10.0.0.2")]);
    assert!(reply.edns.unwrap().flags().dnssec_ok);
}

#[test]
fn other_classes_are_not_ours() {
    let mut chaos = query("web", RecordType::A);
    chaos.queries[0].set_query_class(DNSClass::CH);
    assert!(told(&chaos, UDP).is_none());
    chaos.queries[0].set_query_class(DNSClass::ANY);
    assert_eq!(addresses(&told(&chaos, UDP).unwrap()), vec![support::ip("10.0.0.2")]);
}

#[test]
fn labels_with_dots_or_odd_bytes_are_no_names_of_ours() {
    let header = &query("web", RecordType::A).to_vec().unwrap()[..12];
    for label in [b"web.mynet".as_slice(), b"\xff\xfe", b"we\0"] {
        let message = [header, &[label.len() as u8], label, &[0, 0, 1, 0, 1]].concat();
        assert!(matches!(decide(&message, UDP).0, Action::Forward(_)), "{label:?}");
    }
}

fn some_message() -> impl Strategy<Value = Vec<u8>> {
    let names = prop::sample::select(vec!["web", "many", "nobody", "six.back.end", "2.0.0.10.in-addr.arpa", ""]);
    let kinds = prop::sample::select(vec![RecordType::A, RecordType::AAAA, RecordType::PTR, RecordType::TXT]);
    let edns = prop::option::of((any::<u16>(), any::<bool>()));
    let whole = (names, kinds, edns).prop_map(|(name, kind, edns)| {
        let message = query(name, kind);
        let message = edns.map_or(message.clone(), |(size, dnssec_ok)| with_edns(message, size, dnssec_ok));
        message.to_vec().unwrap()
    });
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    let mutated =
        (whole, changes, any::<prop::sample::Index>(), any::<bool>()).prop_map(|(mut bytes, changes, end, cut)| {
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if cut {
                bytes.truncate(end.index(bytes.len() + 1));
            }
            bytes
        });
    prop_oneof![3 => mutated, 1 => prop::collection::vec(any::<u8>(), 0..600)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_a_reply_is_a_whole_message_that_fits(message in some_message(), tcp in any::<bool>()) {
        let terms = if tcp { TCP } else { UDP };
        let (action, out) = decide(&message, terms);
        match action {
            Action::Answered | Action::Rejected => {
                let reply = Message::from_vec(&out).unwrap();
                prop_assert_eq!(reply.metadata.message_type, MessageType::Response);
                prop_assert_eq!(&out[..2], &message[..2]);
                prop_assert!(message[2] & 0x80 == 0, "an answer was answered");
                let size = Message::from_vec(&message).ok().and_then(|asked| asked.edns).map_or(0, |edns| edns.max_payload());
                prop_assert!(tcp || out.len() <= usize::from(size.max(512)));
            }
            Action::Forward(_) | Action::Ignore => prop_assert!(out.is_empty()),
        }
    }

    #[test]
    fn no_bytes_from_outside_do_harm(message in some_message(), id in any::<u16>()) {
        let question = question("nobody", RecordType::A);
        accepts(&message, id, &question);
    }

    #[test]
    fn an_answer_from_outside_counts_only_with_its_id_and_question(
        changes in prop::collection::vec((0..64usize, any::<u8>()), 0..3),
        cut in 0..100usize,
    ) {
        let asked = query("nobody.example", RecordType::A);
        let question = question("nobody.example", RecordType::A);
        let whole = support::outside::addresses(&asked, 60, &[support::outside::USUAL]);
        prop_assert!(accepts(&whole, asked.metadata.id, &question));
        let mut bytes = whole.clone();
        changes.iter().for_each(|(at, byte)| if let Some(place) = bytes.get_mut(*at) { *place = *byte });
        bytes.truncate(whole.len() - cut.min(whole.len()) / 10);
        let taken = accepts(&bytes, asked.metadata.id, &question);
        let end = 12 + "nobody.example".len() + 2 + 4;
        let same_question = bytes.len() >= end && bytes[12..end].eq_ignore_ascii_case(&whole[12..end]);
        prop_assert!(!taken || bytes[..2] == whole[..2] && bytes[2] & 0xf8 == 0x80 && same_question);
    }
}
