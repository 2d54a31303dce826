/* Several pieces of work, one after the other, told as one. */
#ifndef ES_ANALYSIS_PHASE_H
#define ES_ANALYSIS_PHASE_H

#include <embscope/progress.h>
#include <stddef.h>

/* Parts of the work, in shares of `all`; each piece reports its own beginning and end. Start with
 * {&progress, all, 0, 0}; the phase must outlive the work. */
typedef struct es_phase {
    const es_progress *whole;
    int64_t all, from, to;
} es_phase;

static inline bool es_phase_report(void *context, int64_t done, int64_t total)
{
    enum { STEPS = 1000 };
    const es_phase *phase = context;
    double part = (double)done / (double)(total ? total : 1);
    int64_t at =
        phase->from * STEPS + (int64_t)(part * (double)((phase->to - phase->from) * STEPS));
    return phase->whole->report(phase->whole->context, at, phase->all * STEPS);
}

/* The next piece, `share` of the whole. */
static inline es_progress es_phase_next(es_phase *phase, int64_t share)
{
    phase->from = phase->to;
    phase->to += share;
    return (es_progress){phase->whole->report ? es_phase_report : NULL, phase};
}

#endif
