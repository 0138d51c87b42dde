/* What both C programs need: the file of columns (task.py) in memory, the task, a clock. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct bars {
    long count;
    const int64_t *open_time, *close_time, *open, *high, *low, *close, *volume, *quote_volume;
};

/* Numbers in 1e-8, but for the two windows. */
struct task {
    int64_t fast, slow, cash, stake, fee, tick;
};

/* Of the first pass over the bars, and of the best of the others. */
struct times {
    double first, warm;
};

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec * 1e-9;
}

static void give_up(const char *why) {
    fprintf(stderr, "%s\n", why);
    exit(2);
}

static struct bars read_bars(const char *path) {
    FILE *file = fopen(path, "rb");
    int64_t count;
    if (!file || fread(&count, sizeof count, 1, file) != 1 || count < 1)
        give_up("no file of bars");
    int64_t *cells = malloc(8 * count * sizeof *cells);
    if (!cells || fread(cells, sizeof *cells, 8 * count, file) != (size_t)(8 * count))
        give_up("the file of bars is too short");
    fclose(file);
    const int64_t *column[8];
    for (int at = 0; at < 8; at++)
        column[at] = cells + at * count;
    return (struct bars){count,     column[0], column[1], column[2], column[3],
                         column[4], column[5], column[6], column[7]};
}

static struct task read_task(int count, char **words) {
    if (count != 9)
        give_up("usage: PROGRAM BARS.bin PASSES FAST SLOW CASH STAKE FEE TICK, the last four in 1e-8");
    int64_t number[6];
    for (int at = 0; at < 6; at++)
        number[at] = atoll(words[at + 3]);
    return (struct task){number[0], number[1], number[2], number[3], number[4], number[5]};
}

static void note_pass(struct times *times, int pass, double took) {
    if (pass == 0)
        times->first = times->warm = took;
    else if (pass == 1 || took < times->warm)
        times->warm = took;
}
