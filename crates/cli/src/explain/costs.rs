//! The words for what a fill costs (rule 5.8).

use candlewick_model::number::ONE;
use candlewick_model::{Amount, Asset, Liquidity, Rate};
use candlewick_simulator::trace::{Discounted, Fact};

use super::facts::Told;
use super::figures::{percent, short};

/// How a commission is made up; what was looked at of a discount comes first.
pub(super) fn commission(fact: &Fact, quote: Asset) -> Vec<Told> {
    let Fact::Commission {
        of,
        asset,
        liquidity,
        precision,
        commission,
        charged_in,
        parts,
        quote_quantity,
        discount,
        ..
    } = fact
    else {
        return Vec::new();
    };
    let mut looks = Vec::new();
    if let Some(discount) = discount {
        looks.push(Told::Look("discount", discounted(discount, quote, (*quote_quantity, *parts, *liquidity))));
    }
    if discount.is_none_or(|discount| !discount.is_taken) {
        let rates = sum(parts.iter().filter(|part| !part.is_zero()).map(short).collect());
        let made = format!("{} {asset} × {rates} as {liquidity} = {} {charged_in}", short(of), short(commission));
        looks.push(Told::Look("commission", format!("{made}, cut at {precision} decimals")));
    }
    looks
}

/// Parts of a sum.
fn sum(parts: Vec<String>) -> String {
    match &parts[..] {
        [] => "0".to_owned(),
        [only] => only.clone(),
        several => format!("({})", several.join(" + ")),
    }
}

/// How a discounted commission is made up: a share of the quote amount, at the price of its asset.
fn discounted(d: &Discounted, quote: Asset, (amount, parts, liquidity): (Amount, [Rate; 3], Liquidity)) -> String {
    let Discounted { asset, rate, price, needed, free, is_taken } = d;
    let left = Rate::from_units(ONE - rate.units());
    let [standard, special, tax] = parts;
    let standard = (!standard.is_zero()).then(|| format!("{} × {}", short(standard), percent(left)));
    let others = [special, tax].into_iter().filter(|part| !part.is_zero()).map(short);
    let rates = sum(standard.into_iter().chain(others).collect());
    let made = format!(
        "{} off the standard part in {asset}: {} {quote} × {rates} as {liquidity}",
        percent(*rate),
        short(amount)
    );
    let (Some(price), Some(needed)) = (price, needed) else {
        return format!("{made}; no price is known of {asset}");
    };
    let then = if *is_taken { "covers it" } else { "does not cover it" };
    let at = format!("at {} {quote} for each {asset}", short(price));
    format!("{made}, {at} = {} {asset}, cut at 8 decimals; {} free {then}", short(needed), short(free))
}
