/* The duties of candlewick's replay, by hand, for this one strategy: quotes half a spread away,
 * the budget of a bar, LOT_SIZE, MARKET_LOT_SIZE and NOTIONAL with the average price of five
 * minutes, commission in the received asset truncated at 1e-8, free and locked balances in
 * integers, a log of reports, equity at every close and the worst drawdown. Its result is
 * candlewick's to the last digit. The rules' numbers are those of docs/fill-rules.md.
 *
 *     duties BARS.bin FAST SLOW CASH STAKE FEE TICK
 */
#include "bars.h"
#include <string.h>

typedef __int128 wide;

#define ONE INT64_C(100000000)
#define MINUTE INT64_C(60000000)

/* The filters of the exchangeInfo that with_candlewick.py writes. */
static const int64_t STEP = 1000, MIN_QTY = 1000, MAX_QTY = 9000 * ONE, MARKET_MAX_QTY = 100 * ONE;
static const int64_t MIN_NOTIONAL = 5 * ONE, AVERAGE_MINUTES = 5;
static const int64_t VOLUME_SHARE = ONE / 10;

enum side { BUY, SELL };
enum kind { NEW, TRADE, EXPIRED, REFUSED };

struct report {
    int64_t time;
    long order;
    enum side side;
    enum kind kind;
    int64_t price, quantity, filled;
    wide quote, commission;
};

struct balance {
    wide free, locked;
};

struct run {
    const struct bars *bars;
    const struct task *task;
    struct balance base, quote;
    int64_t last; /* price of the last trade */
    long orders, fills, refused;
    wide *equity;
    wide peak;
    double worst_drawdown;
    struct report *log;
    long logged, room;
};

static wide share(wide amount, int64_t rate) {
    return amount * rate / ONE;
}

static void note(struct run *run, struct report report) {
    if (run->logged == run->room) {
        run->room = run->room ? 2 * run->room : 1024;
        run->log = realloc(run->log, run->room * sizeof *run->log);
        if (!run->log)
            give_up("no memory");
    }
    run->log[run->logged++] = report;
}

/* Σ quote volume / Σ base volume of the bars that closed within the last minutes (5.3). */
static int64_t average_price(const struct run *run, long closed, int64_t now, int64_t otherwise) {
    const struct bars *bars = run->bars;
    const int64_t after = now - AVERAGE_MINUTES * MINUTE;
    wide base = 0, quote = 0;
    for (long row = closed - 1; row >= 0 && bars->close_time[row] > after; row--) {
        base += bars->volume[row];
        quote += bars->quote_volume[row];
    }
    return base ? (int64_t)(quote * ONE / base) : otherwise;
}

static int passes_lots(int64_t quantity) {
    return quantity >= MIN_QTY && quantity <= MAX_QTY && quantity % STEP == 0 && quantity <= MARKET_MAX_QTY;
}

static int64_t on_tick(const struct run *run, enum side side) {
    const int64_t tick = run->task->tick;
    if (side == BUY)
        return (run->last + tick + tick - 1) / tick * tick;
    const int64_t bid = run->last > 2 * tick ? run->last - tick : tick;
    return bid / tick * tick;
}

static void lock(struct balance *balance, wide amount) {
    balance->free -= amount;
    balance->locked += amount;
    if (balance->free < 0 || balance->locked < 0)
        give_up("a balance below zero");
}

static void fill(struct run *run, struct report *report) {
    const int buys = report->side == BUY;
    struct balance *given = buys ? &run->quote : &run->base, *got = buys ? &run->base : &run->quote;
    report->quote = (wide)report->price * report->filled / ONE;
    const wide pays = buys ? report->quote : report->filled, gets = buys ? report->filled : report->quote;
    report->commission = share(gets, run->task->fee);
    lock(given, pays);
    given->locked -= pays;
    got->free += gets - report->commission;
    report->kind = TRADE;
    run->fills++;
    note(run, *report);
}

/* The order of the last close meets the open of this bar: filters, balance, liquidity (5.1),
 * then what the budget gives (4.1, 4.3). `money` for BUY, `quantity` for SELL. */
static void take_up(struct run *run, long row, enum side side, wide money, int64_t quantity) {
    const struct bars *bars = run->bars;
    const int64_t now = bars->open_time[row];
    const int has_volume = bars->volume[row] != 0;
    if (has_volume)
        run->last = bars->open[row];
    int64_t budget = (int64_t)share(bars->volume[row], VOLUME_SHARE);
    budget -= budget % STEP;
    struct report report = {now, run->orders, side, REFUSED, on_tick(run, side), quantity, 0, 0, 0};
    wide value = money * ONE;
    if (side == BUY) {
        report.quantity = (int64_t)(value / report.price);
        report.quantity -= report.quantity % STEP;
    } else {
        value = (wide)average_price(run, row, now, run->last) * quantity;
    }
    const wide needs = side == BUY ? money : quantity;
    const wide has = side == BUY ? run->quote.free : run->base.free;
    if (!passes_lots(report.quantity) || value < (wide)MIN_NOTIONAL * ONE || needs > has ||
        (side == BUY && budget < MIN_QTY)) {
        run->refused++;
        note(run, report);
        return;
    }
    report.order = ++run->orders;
    report.kind = NEW;
    note(run, report);
    report.filled = report.quantity < budget ? report.quantity : budget;
    if (report.filled > 0)
        fill(run, &report);
    if (report.filled < report.quantity) {
        report.kind = EXPIRED;
        note(run, report);
    }
}

/* What the strategy would sell, if the filters let it. */
static int64_t sellable(const struct run *run, long row) {
    const int64_t now = run->bars->close_time[row];
    int64_t quantity = (int64_t)run->base.free;
    if (quantity > MARKET_MAX_QTY)
        quantity = MARKET_MAX_QTY;
    quantity -= quantity % STEP;
    const wide value = (wide)average_price(run, row + 1, now, run->bars->close[row]) * quantity;
    return passes_lots(quantity) && value >= (wide)MIN_NOTIONAL * ONE ? quantity : 0;
}

static void value_at(struct run *run, long row, int64_t price, wide quote, int64_t whole, int64_t part) {
    const wide equity =
        quote + (wide)whole * price + (part * (price / ONE) + part * (price % ONE) / ONE);
    run->equity[row] = equity;
    if (equity > run->peak)
        run->peak = equity;
    const wide drop = run->peak - equity;
    if ((double)drop > run->worst_drawdown * (double)run->peak)
        run->worst_drawdown = (double)drop / (double)run->peak;
}

static void replay(struct run *run) {
    const struct bars *bars = run->bars;
    const int64_t fast = run->task->fast, slow = run->task->slow;
    int64_t lead = 0;
    int above = -1, ordered = 0;
    enum side side = BUY;
    wide money = 0;
    int64_t quantity = 0;
    run->quote.free = run->task->cash;
    run->peak = run->task->cash;
    run->equity = malloc(bars->count * sizeof *run->equity);
    if (!run->equity)
        give_up("no memory");
    wide quote = run->quote.free;
    int64_t whole = 0, part = 0;
    for (long row = 0; row < bars->count; row++) {
        const int64_t close = bars->close[row];
        if (ordered) {
            take_up(run, row, side, money, quantity);
            ordered = 0;
            quote = run->quote.free + run->quote.locked;
            const wide base = run->base.free + run->base.locked;
            whole = (int64_t)(base / ONE);
            part = (int64_t)(base % ONE);
        }
        if (bars->volume[row])
            run->last = close;
        value_at(run, row, close, quote, whole, part);
        lead += slow * (close - (row >= fast ? bars->close[row - fast] : 0));
        lead -= fast * (close - (row >= slow ? bars->close[row - slow] : 0));
        if (row + 1 < slow)
            continue;
        const int now = lead > 0, crossed = above >= 0 && now != above;
        above = now;
        if (!crossed)
            continue;
        side = now ? BUY : SELL;
        money = now ? share(run->quote.free, run->task->stake) : 0;
        quantity = now ? 0 : sellable(run, row);
        ordered = now ? money > 0 : quantity > 0;
    }
}

int main(int count, char **words) {
    const struct task task = read_task(count, words);
    const struct bars bars = read_bars(words[1]);
    double first = 0, warm = 1e9;
    struct run run;
    for (int pass = 0; pass < PASSES; pass++) {
        const double start = seconds();
        memset(&run, 0, sizeof run);
        run.bars = &bars;
        run.task = &task;
        replay(&run);
        const double took = seconds() - start;
        if (pass == 0)
            first = took;
        else if (took < warm)
            warm = took;
        if (pass + 1 < PASSES) {
            free(run.equity);
            free(run.log);
        }
    }
    const wide last = run.equity[bars.count - 1];
    printf("{\"first\": %.9f, \"warm\": %.9f, \"orders\": %ld, \"fills\": %ld, \"refused\": %ld, \"equity\": %lld.%08lld, "
           "\"drawdown\": %.6f}\n",
           first, warm, run.orders, run.fills, run.refused, (long long)(last / ONE), (long long)(last % ONE),
           run.worst_drawdown);
    return 0;
}
