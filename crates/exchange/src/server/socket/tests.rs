use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::{Utf8Bytes, WebSocketUpgrade};
use axum::routing::get;
use axum::{Extension, Router};
use candlewick_model::Timestamp;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::entrance::Sockets;
use super::{Conversation, Leave, Timing};
use crate::data::listen::{self, Peer};
use crate::faults::SocketFaults;
use crate::outlet::Outlet;

const NOW: Timestamp = Timestamp::from_micros(0);

type Client = WebSocketStream<TcpStream>;

/// Says everything again.
struct Echo(Outlet);

impl Conversation for Echo {
    const MESSAGES_A_SECOND: Option<u32> = Some(5);

    async fn hear(&mut self, text: Utf8Bytes) -> Result<(), Leave> {
        self.0.say(text, NOW);
        if self.0.is_lost() { Err(Leave::BANNED) } else { Ok(()) }
    }

    fn farewell(&self) -> Utf8Bytes {
        "farewell".into()
    }

    fn now(&self) -> Timestamp {
        NOW
    }
}

struct Scene {
    address: SocketAddr,
    sockets: Arc<Sockets>,
    /// The outlets of all who have come, in that order.
    outlets: UnboundedReceiver<Outlet>,
}

impl Scene {
    async fn set(timing: Timing) -> Self {
        let sockets = Arc::new(Sockets::new(timing, false));
        let (sender, outlets) = unbounded_channel();
        let server = Arc::clone(&sockets);
        let talk = async move |upgrade: WebSocketUpgrade, Extension(peer): Extension<Peer>| {
            server.accept(upgrade, peer, SocketFaults::default(), move |outlet| {
                let _ = sender.send(outlet.clone());
                Echo(outlet)
            })
        };
        let (listener, address) = listen::bind(0).await.unwrap();
        tokio::spawn(listen::serve(listener, None, Router::new().route("/", get(talk))));
        Self { address, sockets, outlets }
    }

    async fn join(&mut self) -> (Client, Outlet) {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let client = client_async(format!("ws://{}/", self.address), stream).await.unwrap().0;
        (client, self.outlets.recv().await.unwrap())
    }
}

/// What comes until the connection is closed: texts, and why.
async fn until_closed(client: &mut Client) -> (Vec<String>, Option<(u16, String)>) {
    let mut texts = Vec::new();
    while let Some(Ok(message)) = client.next().await {
        match message {
            Message::Text(text) => texts.push(text.to_string()),
            Message::Close(frame) => return (texts, frame.map(|frame| (frame.code.into(), frame.reason.to_string()))),
            _ => {}
        }
    }
    (texts, None)
}

async fn lost(outlet: &Outlet) {
    while !outlet.is_lost() {
        tokio::task::yield_now().await;
    }
}

fn milliseconds(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[tokio::test]
async fn what_is_said_comes_in_order_and_pings_are_answered() {
    let mut scene = Scene::set(Timing::default()).await;
    let (mut client, outlet) = scene.join().await;
    outlet.say("first", NOW);
    client.send(Message::text("second")).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("first"));
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("second"));
    client.send(Message::Ping(Bytes::from_static(b"x"))).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::Pong(Bytes::from_static(b"x")));
    client.close(None).await.unwrap();
    assert!(client.next().await.unwrap().unwrap().is_close());
    assert!(client.next().await.is_none());
    lost(&outlet).await;
}

#[tokio::test]
async fn who_answers_pings_stays_and_who_does_not_is_left() {
    let timing = Timing { ping: milliseconds(20), pong: milliseconds(300), ..Timing::default() };
    let mut scene = Scene::set(timing).await;
    let (mut silent, _outlet) = scene.join().await;
    let (mut client, outlet) = scene.join().await;
    // A client answers while it reads.
    let begun = Instant::now();
    let mut pings = 0;
    while begun.elapsed() < milliseconds(900) {
        if let Ok(message) = tokio::time::timeout(milliseconds(100), client.next()).await {
            pings += usize::from(message.unwrap().unwrap().is_ping());
        }
        if pings == 3 {
            // 5 messages a second, pongs counted: that was enough of them.
            assert_eq!(until_closed(&mut client).await.1, Some((1008, "Too many requests".into())));
            break;
        }
    }
    assert_eq!(pings, 3);
    drop(client);
    lost(&outlet).await;
    tokio::time::sleep(milliseconds(400)).await;
    // The other one has been left before it began to read.
    assert_eq!(until_closed(&mut silent).await.1, Some((1008, "Pong timeout".into())));
}

#[tokio::test]
async fn bad_frames_are_told_why() {
    let mut scene = Scene::set(Timing::default()).await;
    let text = OpCode::Data(Data::Text);
    for (message, expected) in [
        (Message::binary(b"{}".as_slice()), (1003, "Only text frames are supported")),
        (Message::text("x".repeat((256 << 10) + 1)), (1009, "Message too big")),
        (Message::Frame(Frame::message(Bytes::from_static(b"\xff"), text, true)), (1007, "Invalid UTF-8")),
        (Message::Frame(Frame::message(Bytes::new(), OpCode::Data(Data::Continue), true)), (1002, "Protocol error")),
    ] {
        let (mut client, _outlet) = scene.join().await;
        client.send(message).await.unwrap();
        assert_eq!(until_closed(&mut client).await, (vec![], Some((expected.0, expected.1.into()))));
    }
    let (mut client, _outlet) = scene.join().await;
    let longest = "x".repeat(256 << 10);
    for _ in 0..5 {
        client.send(Message::text(&longest)).await.unwrap();
        assert_eq!(client.next().await.unwrap().unwrap(), Message::text(&longest));
    }
    client.send(Message::text("a sixth in a second")).await.unwrap();
    assert_eq!(until_closed(&mut client).await, (vec![], Some((1008, "Too many requests".into()))));
}

#[tokio::test]
async fn the_end_is_announced() {
    let timing = Timing { life: milliseconds(200), farewell: milliseconds(100), ..Timing::default() };
    let mut scene = Scene::set(timing).await;
    let expected = (vec!["farewell".to_owned()], Some((1001, "Connection expired".to_owned())));
    let begun = Instant::now();
    assert_eq!(until_closed(&mut scene.join().await.0).await, expected);
    assert!((200..1_000).contains(&begun.elapsed().as_millis()));
    let mut scene = Scene::set(Timing::default()).await;
    let (mut client, _outlet) = scene.join().await;
    let (_, told) = tokio::join!(scene.sockets.leave(milliseconds(100)), until_closed(&mut client));
    assert_eq!(told, expected);
    let (mut client, _outlet) = scene.join().await;
    scene.sockets.end();
    assert_eq!(until_closed(&mut client).await.1, expected.1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_client_is_left_and_holds_nobody_up() {
    let mut scene = Scene::set(Timing::default()).await;
    let (mut slow, to_slow) = scene.join().await;
    let (mut quick, to_quick) = scene.join().await;
    let reader = tokio::spawn(async move {
        for n in 0..100_000 {
            let text = quick.next().await.unwrap().unwrap().into_text().unwrap();
            assert!(text.starts_with(&format!("{n} ")), "{n}");
        }
        quick
    });
    let filling = "x".repeat(1_000);
    for n in 0..100_000 {
        let text = Utf8Bytes::from(format!("{n} {filling}"));
        to_slow.say(text.clone(), NOW);
        to_quick.say(text, NOW);
        while to_quick.is_busy() {
            tokio::task::yield_now().await;
        }
    }
    let _quick = tokio::time::timeout(Duration::from_secs(20), reader).await.unwrap().unwrap();
    assert!(to_slow.is_lost() && !to_quick.is_lost());
    // What it had been sent comes, and no more; where there is room for it, also why.
    let (texts, _) = tokio::time::timeout(Duration::from_secs(5), until_closed(&mut slow)).await.unwrap();
    assert!(texts.len() < 100_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_idle_clients_are_told_as_one() {
    let mut scene = Scene::set(Timing::default()).await;
    let mut clients = Vec::new();
    for _ in 0..1_000 {
        clients.push(scene.join().await);
    }
    let text = Utf8Bytes::from_static("all of you");
    clients.iter().for_each(|(_, outlet)| outlet.say(text.clone(), NOW));
    for (client, _) in &mut clients {
        assert_eq!(client.next().await.unwrap().unwrap(), Message::text("all of you"));
    }
    tokio::join!(scene.sockets.leave(Duration::ZERO), async {
        for (client, _) in &mut clients {
            assert_eq!(until_closed(client).await.1.map(|(code, _)| code), Some(1001));
        }
    });
}
