//! Markets of the local exchange that are halted, changed and delisted while it runs: the program
//! as a process, by its own control and by a scenario, gone on with and put back.

use reqwest::Method;
use serde_json::{Value, json};

use super::exchange_time::{Program, STANDS};
use super::program::run as run_program;

const SCENARIO: &str = r#"
[[market]]
symbol = "BTCUSDT"
at = "2023-03-01T11:00:00Z"
filters = [{ filterType = "MAX_NUM_ORDERS", maxNumOrders = 2 }]

[[fault]]
kind = "timeout"
path = "/api/v3/order/test"
"#;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// What everybody is told of the market.
struct Told<'a>(&'a Program);

impl Told<'_> {
    async fn entry(&self) -> Value {
        self.0.get("/api/v3/exchangeInfo?symbol=BTCUSDT").await["symbols"][0].clone()
    }

    async fn filter(&self, name: &str) -> Value {
        let entry = self.entry().await;
        let filters = entry["filters"].as_array().unwrap();
        filters.iter().find(|filter| filter["filterType"] == name).cloned().unwrap_or_default()
    }

    /// Where the market is among those of a status.
    async fn of_status(&self, status: &str) -> [usize; 3] {
        let info = self.0.get(&format!("/api/v3/exchangeInfo?symbolStatus={status}")).await;
        let rules = self.0.get(&format!("/api/v3/executionRules?symbolStatus={status}")).await;
        let prices = self.0.get(&format!("/api/v3/ticker/price?symbolStatus={status}")).await;
        [&info["symbols"], &rules["symbolRules"], &prices].map(|list| list.as_array().unwrap().len())
    }

    async fn limit(&self, price: &str) -> Value {
        let query = format!("symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price={price}");
        self.0.signed(Method::POST, "order", &query).await
    }

    async fn ask(&self, path: &str) -> Value {
        self.0.signed(Method::GET, path, "symbol=BTCUSDT").await
    }

    async fn open(&self) -> usize {
        self.ask("openOrders").await.as_array().unwrap().len()
    }
}

#[test]
fn a_market_is_halted_changed_and_delisted_and_a_state_knows_it() {
    let folder = tempfile::tempdir().unwrap();
    let [state, faults] = ["state", "faults.toml"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    std::fs::write(&faults, SCENARIO).unwrap();
    let arguments = ["--from", "2023-03-01T10:00:30Z", "--speed", STANDS, "--state", &state, "--faults", &faults];
    let program = Program::generated(&arguments);
    let told = Told(&program);
    let closed = json!({ "code": -1013, "msg": "Market is closed." });
    let before = block_on(async {
        assert_eq!(told.limit("15000.01").await["status"], "NEW");
        assert_eq!(told.of_status("TRADING").await, [1; 3]);
        told.entry().await
    });

    let halted = program.ctl(&["market", "halt", "BTCUSDT"]);
    halted.assert(0, &[]);
    let words: Vec<_> = halted.stdout.lines().collect();
    assert!(words[0].starts_with("BTCUSDT") && words[0].ends_with("HALT"), "{words:?}");
    assert!(
        words[1].starts_with("  since 2023-03-01T10:00:") && words[1].ends_with(r#"{"status":"HALT"}"#),
        "{words:?}"
    );
    assert!(words[2].starts_with("  from  2023-03-01T11:00:00Z  {\"filters\":"), "{words:?}");
    block_on(async {
        let mut expected = before.clone();
        expected["status"] = "HALT".into();
        assert_eq!(told.entry().await, expected);
        assert_eq!((told.of_status("HALT").await, told.of_status("TRADING").await), ([1; 3], [0; 3]));
        let mismatch = program.get("/api/v3/ticker/24hr?symbol=BTCUSDT&symbolStatus=TRADING").await;
        assert_eq!(mismatch["code"], -1220);
        assert_eq!(told.limit("15000.01").await, closed);
        assert_eq!(
            (told.open().await, program.get("/api/v3/ticker/24hr").await[0]["symbol"].as_str()),
            (1, Some("BTCUSDT"))
        );
    });

    program.ctl(&["market", "resume", "BTCUSDT"]).assert(0, &[]);
    program.ctl(&["market", "filter", "BTCUSDT", "PRICE_FILTER", "tickSize=0.50"]).assert(0, &[]);
    program.told(&["market", "set", "BTCUSDT", r#"{"permissionSets":[["SPOT","TRD_GRP_004"]],"ocoAllowed":false}"#]);
    block_on(async {
        let entry = told.entry().await;
        assert_eq!((&entry["status"], &entry["ocoAllowed"]), (&json!("TRADING"), &json!(false)));
        assert_eq!(entry["permissionSets"], json!([["SPOT", "TRD_GRP_004"]]));
        let old = told.filter("PRICE_FILTER").await;
        assert_eq!((&old["tickSize"], &old["minPrice"]), (&json!("0.50000000"), &before["filters"][0]["minPrice"]));
        assert_eq!(told.limit("15000.01").await, json!({ "code": -1013, "msg": "Filter failure: PRICE_FILTER" }));
        assert_eq!(told.limit("15000.50").await["status"], "NEW");
        assert_eq!(told.ask("myFilters").await["symbolFilters"][0]["maxNumOrders"], 200);
    });

    // What the scenario has, at its time.
    program.told(&["pause"]);
    program.told(&["step", "--until", "2023-03-01T11:00:00Z"]);
    block_on(async {
        assert_eq!(
            told.ask("myFilters").await["symbolFilters"][0],
            json!({ "filterType": "MAX_NUM_ORDERS", "maxNumOrders": 2 })
        );
        assert_eq!(told.limit("15001").await["msg"], "Filter failure: MAX_NUM_ORDERS");
    });

    program.told(&["market", "delist", "BTCUSDT", "--at", "2023-03-01T11:30:10Z"]);
    program.told(&["step", "--until", "2023-03-01T12:00:00Z"]);
    let seen = async |told: &Told<'_>| {
        let market = told.0.get("/control/market").await;
        let book = told.0.get("/api/v3/ticker/bookTicker?symbol=BTCUSDT").await;
        let bars = told.0.get("/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1000").await;
        vec![market, told.entry().await, told.ask("allOrders").await, book, bars]
    };
    let after = block_on(async {
        assert_eq!((told.open().await, told.limit("15000.50").await), (0, closed.clone()));
        let orders = told.ask("allOrders").await;
        assert_eq!(
            (&orders[0]["status"], &orders[0]["expiryReason"]),
            (&json!("EXPIRED"), &json!("EXCHANGE_CANCELED"))
        );
        assert_eq!(orders[0]["updateTime"], 1_677_670_210_000_i64);
        let after = seen(&told).await;
        assert_eq!((&after[0][0]["delisted"], &after[1]["status"]), (&json!(true), &json!("BREAK")));
        assert_eq!(after[3]["bidPrice"], "0.00000000");
        let last = after[4].as_array().unwrap().last().unwrap();
        assert_eq!(last[0], 1_677_670_200_000_i64, "no bar has opened since");
        after
    });

    // The same command goes on with all of it, and nothing happens twice.
    let (code, said) = program.stop();
    assert_eq!(code, Some(0), "{said}");
    let program = Program::generated(&arguments);
    let told = Told(&program);
    block_on(async { assert_eq!(seen(&told).await, after) });
    program.told(&["seek", "2023-03-01T10:00:00Z"]);
    block_on(async {
        assert_eq!(told.entry().await, before, "as it was");
        assert_eq!(program.get("/control/market").await[0]["to_come"].as_array().unwrap().len(), 1, "the scenario's");
        assert_eq!(told.limit("15000.01").await["status"], "NEW");
    });
    program.told(&["seek", "2023-03-01T13:00:00Z"]);
    block_on(async { assert_eq!(told.filter("MAX_NUM_ORDERS").await["maxNumOrders"], 2) });
}

#[test]
fn what_makes_no_sense_is_told_where_it_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::generated(&["--from", "2023-03-01T10:00:30Z"]);
    for (arguments, told) in [
        (&["market", "halt", "ETHUSDT"][..], "there is no market ETHUSDT; there is BTCUSDT"),
        (
            &["market", "halt", "BTCUSDT", "--at", "2023-03-01"],
            "BTCUSDT: 2023-03-01T00:00:00Z is over, it is 2023-03-01T10:00:29.999999Z",
        ),
        (&["market", "filter", "BTCUSDT", "LOT_SIZE", "stepSize=-1"], r#"LOT_SIZE: `stepSize` is below zero: "-1""#),
        (&["market", "filter", "BTCUSDT", "LOT_SIZE", "stepSize"], r#""stepSize" is no member such as tickSize=0.10"#),
        (&["market", "set", "BTCUSDT", "HALT"], r#""HALT" is no JSON object"#),
        (&["market", "set", "BTCUSDT", r#"{"stat":"HALT"}"#], "`stat` is nothing that can change"),
    ] {
        program.ctl(arguments).assert(2, &[told]);
    }
    let market = block_on(program.get("/control/market"));
    let unchanged =
        json!([{ "symbol": "BTCUSDT", "status": "TRADING", "delisted": false, "changed": [], "to_come": [] }]);
    assert_eq!(market, unchanged);
    let file = folder.path().join("faults.toml");
    let serve = |scenario: &str| {
        std::fs::write(&file, scenario).unwrap();
        run_program(&[
            "exchange",
            "serve",
            "--generate",
            "5",
            "--days",
            "2",
            "--port",
            "0",
            "--faults",
            file.to_str().unwrap(),
        ])
    };
    for (scenario, told) in [
        ("[[market]]\nsymbol = \"BTCUSDT\"\nstatus = \"HALT\"", "market BTCUSDT: it needs `at`"),
        (
            "[[market]]\nsymbol = \"BTCUSDT\"\nat = \"2020-01-01\"\nstatus = \"HALT\"",
            "BTCUSDT: 2020-01-01T00:00:00Z is over",
        ),
        ("[[market]]\nat = \"2023-03-01\"\nstatus = \"HALT\"", "missing field `symbol`"),
        ("[[market]]\nsymbol = \"DOGE\"\nat = \"2023-03-02\"\ndelisted = true", "there is no market DOGE"),
    ] {
        serve(scenario).assert(2, &["faults", told]);
    }
}
