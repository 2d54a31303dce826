/* Runs a fuzz target on every file of a folder, so that what fuzzing once found stays found,
 * without a fuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The file's bytes in a block of exactly their size, so that a read past them is seen. */
static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) return perror(path), 1;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
    int bad = !data || size < 0 || fread(data, 1, (size_t)size, file) != (size_t)size;
    if (!bad) LLVMFuzzerTestOneInput(data, (size_t)size);
    if (bad) fprintf(stderr, "%s: cannot read\n", path);
    free(data);
    fclose(file);
    return bad;
}

int main(int argc, char **argv)
{
    if (argc != 2) return fprintf(stderr, "usage: replay FOLDER\n"), 2;
    DIR *folder = opendir(argv[1]);
    if (!folder) return perror(argv[1]), 1;
    int count = 0, bad = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.') continue;
        char path[4096];
        int length = snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        if (length < 0 || (size_t)length >= sizeof path) continue;
        bad += replay(path);
        count++;
    }
    closedir(folder);
    printf("%d files\n", count);
    return bad || !count; /* an empty folder tests nothing */
}
