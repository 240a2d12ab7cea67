/* Time limits: a thread that makes the engine look at the clock when its time is over.  The engine itself looks only when
 * it collects garbage, and a loop that allocates nothing never does. */
#ifndef METTA_API_WATCHDOG_H
#define METTA_API_WATCHDOG_H

#include "atom/heap.h"

#include <pthread.h>

typedef struct Watchdog {
    Heap *heap;
    uint64_t deadline_ns;
    bool running, done;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
} Watchdog;

/* Interrupt HEAP at DEADLINE_NS (0: never) and shortly again until watchdog_stop.  *W must stay where it is. */
void watchdog_start(Watchdog *w, Heap *heap, uint64_t deadline_ns);
void watchdog_stop(Watchdog *w);

#endif
