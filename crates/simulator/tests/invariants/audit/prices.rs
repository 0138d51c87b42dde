//! At what prices orders fill, what a fill is worth, and what it costs (sections 3 and 5 of the
//! rules).

use candlewick_model::number::ONE;
use candlewick_model::run::Slippage;
use candlewick_model::{
    Amount, Asset, CommissionRates, ExecutionReport, Fill, Liquidity, Order, Price, Rate, RateParts, Side,
};
use candlewick_simulator::Reference;
use proptest::prelude::*;

use super::Scene;

pub(crate) fn report(scene: &Scene<'_>, report: &ExecutionReport) -> Result<(), TestCaseError> {
    let Some(fill) = report.fill else { return Ok(()) };
    let order = &report.order;
    prop_assert!(fill.quantity.units() > 0 && fill.price.units() > 0, "{:?}", report);
    check_value(scene, order.side, &fill)?;
    match fill.liquidity {
        Liquidity::Maker => maker(scene, order, &fill),
        Liquidity::Taker => {
            check_range(scene, order, &fill)?;
            taker(scene, order, &fill)
        }
    }
}

/// A maker fills at its limit: with the market where the path was beyond it (rule 3.3).
fn maker(scene: &Scene<'_>, order: &Order, fill: &Fill) -> Result<(), TestCaseError> {
    prop_assert_eq!(fill.price, order.limit());
    if scene.own.contains(&fill.trade_id) {
        return Ok(());
    }
    prop_assert!(scene.reaches(order), "{:?} by {:?}", order, scene.path());
    Ok(())
}

/// A taker trades between bid and ask of its bar, worse by the slippage at most, and never beyond
/// its limit; with an own order perhaps better.
fn taker(scene: &Scene<'_>, order: &Order, fill: &Fill) -> Result<(), TestCaseError> {
    let (price, is_limit) = (fill.price.units(), !order.order_type.is_market());
    let limit = order.limit().units();
    let tick = scene.instrument.filters.tick().units();
    let spread = i64::from(scene.market.fill_model.half_spread_ticks) * tick;
    let slip = |touch: i64| match scene.market.fill_model.slippage {
        Slippage::None => 0,
        Slippage::Ticks(ticks) => i64::from(ticks) * tick,
        // Rounded up to the tick.
        Slippage::BasisPoints(points) | Slippage::SquareRoot(points) => touch * i64::from(points) / 10_000 + tick,
    };
    // Inside of a bar it stands within the bar, and else where it stood.
    let (low, high) = match scene.bar.volume.is_zero() {
        true => (scene.last, scene.last),
        false => (scene.bar.low, scene.bar.high),
    };
    let with_market = !scene.own.contains(&fill.trade_id);
    prop_assert!(!(with_market && scene.bar.volume.is_zero()), "nothing was traded: {:?}", order);
    match order.side {
        Side::Buy => {
            let (least, most) = (low.units() + spread, high.units() + spread);
            prop_assert!(price <= most + slip(most) && (price >= least || !with_market), "{:?} {:?}", fill, order);
            prop_assert!(price <= limit || !is_limit, "beyond its limit: {:?}", order);
        }
        Side::Sell => {
            let (least, most) = ((low.units() - spread).max(tick), (high.units() - spread).max(tick));
            let worst = (least - slip(least)).max(tick);
            prop_assert!(price >= worst && (price <= most || !with_market), "{:?} {:?}", fill, order);
            prop_assert!(price >= limit || !is_limit, "beyond its limit: {:?}", order);
        }
    }
    Ok(())
}

/// Where the reference price is a recorded one, a taker trades within the range around it
/// (`faqs/price_range_execution_rules.md`).
fn check_range(scene: &Scene<'_>, order: &Order, fill: &Fill) -> Result<(), TestCaseError> {
    let (Reference::Recorded(points), Some(range)) = (&scene.market.reference, scene.market.price_range) else {
        return Ok(());
    };
    let known = points.iter().rev().find(|(time, _)| *time <= scene.now);
    let Some(reference) = known.and_then(|(_, price)| *price) else { return Ok(()) };
    let (up, down) = match order.side {
        Side::Buy => (range.bid_limit_mult_up, range.bid_limit_mult_down),
        Side::Sell => (range.ask_limit_mult_up, range.ask_limit_mult_down),
    };
    let bound = |rate: Rate| i128::from(reference.units()) * i128::from(rate.units());
    let price = i128::from(fill.price.units()) * i128::from(ONE);
    let within = up.is_none_or(|up| price <= bound(up)) && down.is_none_or(|down| price >= bound(down));
    prop_assert!(within, "{:?} around {}: {:?}", fill, reference, order);
    Ok(())
}

/// Price times quantity, cut off; what it costs comes out of what is received, or is BNB.
fn check_value(scene: &Scene<'_>, side: Side, fill: &Fill) -> Result<(), TestCaseError> {
    let exact = i128::from(fill.price.units()) * i128::from(fill.quantity.units()) / i128::from(ONE);
    let value = Amount::from_units(exact).truncate_to(scene.instrument.quote_precision);
    prop_assert_eq!(fill.quote_quantity, value);
    let (received, amount, precision) = match side {
        Side::Buy => (scene.instrument.base_asset, fill.quantity.into(), scene.instrument.base_commission_precision),
        Side::Sell => (scene.instrument.quote_asset, value, scene.instrument.quote_commission_precision),
    };
    let fees = &scene.market.fill_model.fees;
    let of_received = i128::from(fees.total(side, fill.liquidity).units()) * amount.units() / i128::from(ONE);
    let of_received = Amount::from_units(of_received).truncate_to(precision);
    if (fill.commission_asset, fill.commission) == (received, of_received) {
        return Ok(());
    }
    let discount = fees.discount.filter(|discount| discount.asset == fill.commission_asset);
    prop_assert!(discount.is_some(), "not {} {}: {:?}", of_received, received, fill);
    let (low, high) = discount_prices(scene, fill.commission_asset)?;
    let least = of_discounted(fees, side, fill.liquidity, value, high);
    let most = of_discounted(fees, side, fill.liquidity, value, low);
    prop_assert!(least <= fill.commission && fill.commission <= most, "not {} to {}: {:?}", least, most, fill);
    Ok(())
}

/// Between which prices in quote asset that of the discount's asset lies; inside of a move reports
/// do not tell where the market stood, and everywhere else it is one price.
fn discount_prices(scene: &Scene<'_>, asset: Asset) -> Result<(Price, Price), TestCaseError> {
    if asset == scene.instrument.quote_asset {
        return Ok((Price::from_units(ONE), Price::from_units(ONE)));
    }
    if asset == scene.instrument.base_asset {
        return Ok(scene.path().unwrap_or((scene.last, scene.last)));
    }
    let bars = &scene.second.expect("a market of the discount's asset").bars;
    let row = (0..bars.len()).rfind(|row| bars.open_time.at(*row) <= scene.now);
    prop_assert!(row.is_some(), "nobody knows what {} costs yet", asset);
    let row = row.unwrap_or_default();
    let price = if bars.close_time.at(row) <= scene.now { bars.close[row] } else { bars.open[row] };
    Ok((price, price))
}

/// Commission in the discount's asset: the standard part reduced, at a price, cut off.
fn of_discounted(fees: &CommissionRates, side: Side, liquidity: Liquidity, value: Amount, price: Price) -> Amount {
    let part = |part: &RateParts| i128::from(part.of(side, liquidity).units());
    let left = i128::from(ONE - fees.discount.map_or(0, |discount| discount.rate.units()));
    let rate = part(&fees.standard) * left + (part(&fees.special) + part(&fees.tax)) * i128::from(ONE);
    Amount::from_units(value.units() * rate / (i128::from(ONE) * i128::from(price.units())))
}
