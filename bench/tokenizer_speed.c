/* How fast vocabularies load and encode: tokenizer_speed FOLDER-OR-FILE TEXT. Medians of 11, in
 * processor time: one thread does all of it. */
#define _GNU_SOURCE
#include "base/file.h"
#include "space/vocabulary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS = 11 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

int main(int argc, char **argv)
{
    if (argc != 3) return fprintf(stderr, "usage: %s VOCABULARY TEXT\n", argv[0]), 2;
    es_vocabulary *vocabulary = NULL;
    char *note = NULL, *text;
    int64_t size;
    es_error error = {0};
    double load[RUNS], encode[RUNS];
    es_ids ids = {0};
    if (es_file_read_all(argv[2], 1 << 30, &text, &size, &error)) goto failed;
    for (int i = 0; i < RUNS; i++) {
        es_vocabulary_free(vocabulary);
        free(note);
        double start = now();
        if (es_path_is_folder(argv[1])
                ? es_vocabulary_open_folder(argv[1], 50257, &vocabulary, &note, &error)
                : es_vocabulary_open_file(argv[1], 50257, &vocabulary, &note, &error))
            goto failed;
        load[i] = now() - start;
        start = now();
        ids.count = 0;
        if (es_vocabulary_encode(vocabulary, (es_bytes){text, (size_t)size}, false, &ids, &error))
            goto failed;
        encode[i] = now() - start;
    }
    qsort(load, RUNS, sizeof *load, compare);
    qsort(encode, RUNS, sizeof *encode, compare);
    printf("load %.2f ms, encode %.1f MB/s (%lld bytes, %lld tokens)\n", 1e3 * load[RUNS / 2],
           1e-6 * (double)size / encode[RUNS / 2], (long long)size, (long long)ids.count);
    return 0;
failed:
    return fprintf(stderr, "%s\n", error.text), 1;
}
