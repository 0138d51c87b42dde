/* The duties of candlewick's replay, by hand, for this one strategy: quotes half a spread away,
 * the budget of a bar, LOT_SIZE, MARKET_LOT_SIZE and NOTIONAL with the average price of five
 * minutes, commission in the received asset truncated at 1e-8, free and locked balances in
 * integers, a log of reports, equity at every close and the worst drawdown. Its result is
 * candlewick's to the last digit. The rules' numbers are those of docs/fill-rules.md.
 *
 *     duties BARS.bin PASSES FAST SLOW CASH STAKE FEE TICK
 */
#include "bars.h"

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
    wide peak, limit;
    double worst_drawdown;
    struct report *log;
    long logged, room;
};

/* a × b / 1e8, rounded down; in parts, because a division of 128 bits is slow. Not negative. */
static wide product(wide a, int64_t b) {
    if (a > INT64_MAX)
        return a / ONE * b + a % ONE * b / ONE;
    const int64_t whole = (int64_t)a / ONE, part = (int64_t)a % ONE;
    return (wide)whole * b + (part * (b / ONE) + part * (b % ONE) / ONE);
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
    report->quote = product(report->price, report->filled);
    const wide pays = buys ? report->quote : report->filled, gets = buys ? report->filled : report->quote;
    report->commission = product(gets, run->task->fee);
    lock(given, pays);
    given->locked -= pays;
    got->free += gets - report->commission;
    report->kind = TRADE;
    run->fills++;
    note(run, *report);
}

/* The price of the last trade before a bar: bars without volume have none. */
static int64_t last_traded(const struct run *run, long row) {
    const struct bars *bars = run->bars;
    for (long before = row - 1; before >= 0; before--)
        if (bars->volume[before])
            return bars->close[before];
    return bars->open[0];
}

/* The order of the last close meets the open of this bar: filters, balance, liquidity (5.1),
 * then what the budget gives (4.1, 4.3). `money` for BUY, `quantity` for SELL. */
static void take_up(struct run *run, long row, enum side side, wide money, int64_t quantity) {
    const struct bars *bars = run->bars;
    const int64_t now = bars->open_time[row];
    run->last = bars->volume[row] ? bars->open[row] : last_traded(run, row);
    int64_t budget = (int64_t)product(bars->volume[row], VOLUME_SHARE);
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

/* Equity at the closes of rows in which nothing was bought or sold; the worst drawdown is worse
 * once the drop from the peak exceeds `limit`. */
static void hold(struct run *run, long from, long to) {
    const int64_t *close = run->bars->close;
    const wide quote = run->quote.free + run->quote.locked, base = run->base.free + run->base.locked;
    const int64_t whole = (int64_t)(base / ONE), part = (int64_t)(base % ONE);
    wide *equity = run->equity;
    wide peak = run->peak, limit = run->limit;
    for (long row = from; row < to; row++) {
        const int64_t price = close[row];
        const wide now = quote + (wide)whole * price + (part * (price / ONE) + part * (price % ONE) / ONE);
        equity[row] = now;
        if (now > peak) {
            peak = now;
            limit = (wide)(run->worst_drawdown * (double)now);
        } else if (peak - now > limit) {
            limit = peak - now;
            run->worst_drawdown = (double)limit / (double)peak;
        }
    }
    run->peak = peak;
    run->limit = limit;
}

/* The moving averages, as in ma_cross.rs: above zero where the fast one is above the slow one. */
struct signal {
    int64_t lead;
    int above;
    long row;
};

/* The next row at whose close the averages have crossed; the number of bars where none has. */
static long next_crossing(struct signal *signal, const struct bars *bars, int64_t fast, int64_t slow) {
    const int64_t *close = bars->close;
    for (long row = signal->row; row < bars->count; row++) {
        signal->lead += slow * (close[row] - (row >= fast ? close[row - fast] : 0));
        signal->lead -= fast * (close[row] - (row >= slow ? close[row - slow] : 0));
        if (row + 1 < slow)
            continue;
        const int before = signal->above, above = signal->lead > 0;
        signal->above = above;
        if (before >= 0 && before != above) {
            signal->row = row + 1;
            return row;
        }
    }
    return bars->count;
}

static void replay(struct run *run) {
    const struct bars *bars = run->bars;
    struct signal signal = {0, -1, 0};
    run->quote.free = run->peak = run->task->cash;
    run->equity = malloc(bars->count * sizeof *run->equity);
    if (!run->equity)
        give_up("no memory");
    for (long from = 0; from < bars->count;) {
        const long row = next_crossing(&signal, bars, run->task->fast, run->task->slow);
        const long open = row + 1 < bars->count ? row + 1 : bars->count;
        hold(run, from, open);
        from = open;
        if (open == bars->count)
            break;
        const wide money = signal.above ? product(run->quote.free, run->task->stake) : 0;
        const int64_t quantity = signal.above ? 0 : sellable(run, row);
        if (money > 0 || quantity > 0)
            take_up(run, open, signal.above ? BUY : SELL, money, quantity);
    }
}

int main(int count, char **words) {
    const struct task task = read_task(count, words);
    const struct bars bars = read_bars(words[1]);
    const int passes = atoi(words[2]);
    struct times times = {0, 0};
    struct run run = {.bars = &bars, .task = &task};
    for (int pass = 0; pass < passes; pass++) {
        free(run.equity);
        free(run.log);
        run = (struct run){.bars = &bars, .task = &task};
        const double start = seconds();
        replay(&run);
        note_pass(&times, pass, seconds() - start);
    }
    const wide last = run.equity[bars.count - 1];
    printf("{\"first\": %.9f, \"warm\": %.9f, \"orders\": %ld, \"fills\": %ld, \"refused\": %ld, "
           "\"equity\": \"%lld.%08lld\", \"drawdown\": %.6f}\n",
           times.first, times.warm, run.orders + run.refused, run.fills, run.refused, (long long)(last / ONE),
           (long long)(last % ONE), run.worst_drawdown);
    return 0;
}
