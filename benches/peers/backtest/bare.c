/* The signal and the fills alone: how little a bar can cost. Money in doubles, no filters, no
 * equity on the way.
 *
 *     bare BARS.bin PASSES FAST SLOW CASH STAKE FEE TICK
 */
#include "bars.h"

struct end {
    long orders;
    double equity;
};

static struct end replay(const struct bars *bars, const struct task *task) {
    const int64_t fast = task->fast, slow = task->slow;
    const double stake = task->stake / 1e8, kept = 1 - task->fee / 1e8;
    double cash = task->cash / 1e8, held = 0;
    int64_t lead = 0;
    long orders = 0;
    int above = -1;
    for (long row = 0; row + 1 < bars->count; row++) {
        const int64_t close = bars->close[row];
        lead += slow * (close - (row >= fast ? bars->close[row - fast] : 0));
        lead -= fast * (close - (row >= slow ? bars->close[row - slow] : 0));
        if (row + 1 < slow)
            continue;
        const int now = lead > 0, crossed = above >= 0 && now != above;
        above = now;
        if (!crossed)
            continue;
        if (now) {
            const double money = cash * stake;
            held += money / ((bars->open[row + 1] + task->tick) / 1e8) * kept;
            cash -= money;
            orders++;
        } else if (held > 0) {
            cash += held * ((bars->open[row + 1] - task->tick) / 1e8) * kept;
            held = 0;
            orders++;
        }
    }
    return (struct end){orders, cash + held * (bars->close[bars->count - 1] / 1e8)};
}

int main(int count, char **words) {
    const struct task task = read_task(count, words);
    const struct bars bars = read_bars(words[1]);
    const int passes = atoi(words[2]);
    struct times times = {0, 0};
    struct end end = {0, 0};
    for (int pass = 0; pass < passes; pass++) {
        const double start = seconds();
        end = replay(&bars, &task);
        note_pass(&times, pass, seconds() - start);
    }
    printf("{\"first\": %.9f, \"warm\": %.9f, \"orders\": %ld, \"equity\": %.8f}\n", times.first, times.warm, end.orders,
           end.equity);
    return 0;
}
