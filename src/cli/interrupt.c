#include "cli/interrupt.h"

#include "cli/options.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct Interrupt {
    MtRuntime *rt;
    pthread_t thread;
    sigset_t signals, before;
    atomic_int count;
};

enum { END_AFTER = 3 };

static void *wait_for_signals(void *context)
{
    Interrupt *x = context;
    for (;;) {
        int signal;
        if (sigwait(&x->signals, &signal) != 0) continue;
        if (signal == SIGUSR2) return NULL;
        if (atomic_fetch_add(&x->count, 1) + 1 >= END_AFTER) _exit(STATUS_INTERRUPTED);
        mt_interrupt(x->rt);
    }
}

Interrupt *interrupt_start(MtRuntime *rt)
{
    Interrupt *x = calloc(1, sizeof *x);
    if (!x) return NULL;
    x->rt = rt;
    sigemptyset(&x->signals);
    sigaddset(&x->signals, SIGINT);
    sigaddset(&x->signals, SIGUSR2); /* ends the thread */
    pthread_sigmask(SIG_BLOCK, &x->signals, &x->before);
    if (pthread_create(&x->thread, NULL, wait_for_signals, x) != 0) {
        pthread_sigmask(SIG_SETMASK, &x->before, NULL);
        free(x);
        return NULL;
    }
    return x;
}

void interrupt_reset(Interrupt *x)
{
    if (x) atomic_store(&x->count, 0);
}

void interrupt_stop(Interrupt *x)
{
    if (!x) return;
    pthread_kill(x->thread, SIGUSR2);
    pthread_join(x->thread, NULL);
    pthread_sigmask(SIG_SETMASK, &x->before, NULL);
    free(x);
}
