/* Two runtimes in two threads run the same programs at the same time; both must give the same.
 *
 *     threads FILE...
 */
#include <mettatron.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Job {
    char **files;
    int count;
    uint64_t hash; /* of all results, in order */
    size_t results;
} Job;

static bool on_result(void *context, MtRuntime *rt, const MtResult *r)
{
    Job *job = context;
    for (size_t i = 0; i < r->count; i++) {
        const char *text = mt_print(rt, r->atoms[i], NULL);
        /* Addresses and variable numbers differ from runtime to runtime. */
        for (; *text && *text != '#' && strncmp(text, "0x", 2) != 0; text++)
            job->hash = (job->hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
        job->results++;
    }
    return true;
}

static void ignore_output(void *context, const char *text, size_t len)
{
    (void)context;
    (void)text;
    (void)len;
}

static void *run_all(void *context)
{
    Job *job = context;
    for (int i = 0; i < job->count; i++) {
        MtConfig config;
        mt_config_init(&config);
        config.timeout_ms = 20000;
        config.max_memory = 256 << 20;
        config.output = ignore_output;
        MtRuntime *rt = mt_new(&config, NULL);
        if (!rt) abort();
        mt_run_file(rt, job->files[i], on_result, job);
        mt_free(rt);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    Job jobs[2];
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        jobs[i] = (Job){.files = argv + 1, .count = argc - 1};
        pthread_create(&threads[i], NULL, run_all, &jobs[i]);
    }
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    bool same = jobs[0].hash == jobs[1].hash && jobs[0].results == jobs[1].results;
    printf("%d programs twice, %zu and %zu results\n", argc - 1, jobs[0].results, jobs[1].results);
    printf("%d passed, %d failed\n", same, !same);
    return !same;
}
