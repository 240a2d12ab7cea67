#include "api/watchdog.h"

#include <errno.h>
#include <time.h>

enum { AGAIN_NS = 10000000 };

static struct timespec to_timespec(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
}

static void *watch(void *context)
{
    Watchdog *w = context;
    uint64_t next = w->deadline_ns + 1;
    pthread_mutex_lock(&w->lock);
    while (!w->done) {
        struct timespec at = to_timespec(next);
        if (pthread_cond_timedwait(&w->wake, &w->lock, &at) != ETIMEDOUT) continue;
        heap_interrupt(w->heap);
        next = base_now_ns() + AGAIN_NS;
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

void watchdog_start(Watchdog *w, Heap *heap, uint64_t deadline_ns)
{
    pthread_condattr_t attributes;
    *w = (Watchdog){.heap = heap, .deadline_ns = deadline_ns};
    if (!deadline_ns) return;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC); /* the clock of base_now_ns */
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    /* Without a thread the limit still holds wherever the engine allocates. */
    w->running = pthread_create(&w->thread, NULL, watch, w) == 0;
}

void watchdog_stop(Watchdog *w)
{
    if (!w->deadline_ns) return;
    if (w->running) {
        pthread_mutex_lock(&w->lock);
        w->done = true;
        pthread_cond_signal(&w->wake);
        pthread_mutex_unlock(&w->lock);
        pthread_join(w->thread, NULL);
    }
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->wake);
}
