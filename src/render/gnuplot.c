#define _GNU_SOURCE /* pipe2, posix_spawn, strcasecmp */
#include "render/gnuplot.h"

#include "base/utf8.h"
#include "render/display.h"
#include "render/svg_inline.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TIME_LIMIT_MS = 60000, LARGEST_FIGURE = 256 << 20, MESSAGE = 512 };

void es_gnuplot_field(es_text *script, const char *data, size_t size)
{
    es_text shown = {0};
    es_display_plain(&shown, data, size);
    script->failed |= shown.failed;
    es_text_add(script, "\"");
    for (size_t i = 0; i < shown.size; i++) {
        unsigned char byte = (unsigned char)shown.data[i];
        /* Digits too: gnuplot takes all that follow \043 into the number. */
        bool plain = byte >= 0x80 || byte == ' ' || (byte >= 'A' && byte <= 'Z') ||
                     (byte >= 'a' && byte <= 'z');
        if (plain)
            es_text_append(script, shown.data + i, 1);
        else
            es_text_printf(script, "\\%03o", byte);
    }
    es_text_add(script, "\"");
    es_text_release(&shown);
}

void es_gnuplot_line(es_text *script, const char *variable, const char *data, size_t size)
{
    es_text shown = {0};
    es_display_plain(&shown, data, size); /* no line's end is left in it */
    script->failed |= shown.failed;
    /* The leading ':' keeps the line from being the block's end, whatever the text. */
    es_text_printf(script, "$%s << " ES_GNUPLOT_END "\n:%s\n" ES_GNUPLOT_END "\n", variable,
                   shown.data ? shown.data : "");
    es_text_printf(script, "%s = $%s[1]\n%s = %s[2:*]\n", variable, variable, variable, variable);
    es_text_release(&shown);
}

static void add_terminal(es_text *script, const es_figure *figure, es_figure_form form)
{
    if (form == ES_FIGURE_PNG)
        es_text_printf(script,
                       "set terminal pngcairo size %d,%d font 'sans,9' fontscale 2 linewidth 2 "
                       "pointscale 2 noenhanced background '#ffffff'\nES_FONT = 'sans'\n"
                       "ES_SCALE = 0.75\n",
                       2 * figure->width, 2 * figure->height);
    else if (form == ES_FIGURE_PDF) /* hundredths of an inch, 96 pixels each */
        es_text_printf(script,
                       "set terminal pdfcairo size %d.%02din,%d.%02din font 'sans,9' noenhanced "
                       "background '#ffffff'\nES_FONT = 'sans'\nES_SCALE = 0.75\n",
                       figure->width / 96, figure->width % 96 * 100 / 96, figure->height / 96,
                       figure->height % 96 * 100 / 96);
    else
        es_text_printf(script,
                       "set terminal svg size %d,%d font '" ES_SVG_FONT ",12' noenhanced round%s\n"
                       "ES_FONT = '" ES_SVG_FONT "'\nES_SCALE = %s\n",
                       figure->width, figure->height,
                       form == ES_FIGURE_SVG ? " background '#ffffff'" : "",
                       form == ES_FIGURE_SVG ? "1" : "1.12");
    es_text_printf(script, "TITLED = %d\nset encoding utf8\n", form != ES_FIGURE_INLINE);
}

/* A file without a name that holds the whole script, at its start. */
static es_status make_script(const es_figure *figure, es_figure_form form, FILE **script,
                             es_error *error)
{
    es_text head = {0};
    add_terminal(&head, figure, form);
    if (head.failed) {
        es_text_release(&head);
        return es_fail_memory(error, "a figure", figure->script.size);
    }
    FILE *file = tmpfile();
    if (file) {
        fwrite(head.data, 1, head.size, file);
        fwrite(figure->script.data, 1, figure->script.size, file);
        if (fflush(file) != 0 || ferror(file) || fseek(file, 0, SEEK_SET) != 0) {
            fclose(file);
            file = NULL;
        }
    }
    es_text_release(&head);
    *script = file;
    return file ? ES_OK
                : es_fail(error, ES_CANNOT_WRITE, "cannot make a temporary file for gnuplot: %s",
                          strerror(errno));
}

static es_status start_gnuplot(int input, int output, int errors, pid_t *process, es_error *error)
{
    static char name[] = "gnuplot", bare[] = "-d", from_input[] = "-";
    static char locale[] = "LC_ALL=C.UTF-8", home[] = "HOME=/nonexistent";
    char *arguments[] = {name, bare, from_input, NULL}, *environment[] = {locale, home, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return es_fail_memory(error, "a process", sizeof actions);
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return es_fail_memory(error, "a process", sizeof attributes);
    }
    /* Signals that the host blocks or ignores are not to reach into the child's life. */
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_adddup2(&actions, input, 0);
    posix_spawn_file_actions_adddup2(&actions, output, 1);
    posix_spawn_file_actions_adddup2(&actions, errors, 2);
    int reason = posix_spawnp(process, name, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (reason == ENOENT || reason == EACCES)
        return es_fail(error, ES_UNSUPPORTED,
                       "gnuplot, which draws the figures, is not on PATH; install it "
                       "(on Debian: apt install gnuplot-nox)");
    if (reason) return es_fail(error, ES_INTERNAL, "cannot start gnuplot: %s", strerror(reason));
    return ES_OK;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Everything the child writes until it closes the pipe: by then it is ending. False when the time
 * limit or the size limit came first. */
static bool read_until_end(int pipe_end, es_text *bytes)
{
    int64_t end = now_ms() + TIME_LIMIT_MS;
    char chunk[1 << 16];
    for (;;) {
        int64_t left = end - now_ms();
        if (left <= 0 || bytes->size > LARGEST_FIGURE || bytes->failed) return false;
        struct pollfd wait = {.fd = pipe_end, .events = POLLIN};
        int ready = poll(&wait, 1, (int)left);
        if (ready < 0 && errno != EINTR) return false;
        if (ready <= 0) continue;
        ssize_t got = read(pipe_end, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return false;
        if (got == 0) return true;
        es_text_append(bytes, chunk, (size_t)got);
    }
}

/* The last line that gnuplot wrote about what went wrong. */
static void last_words(FILE *errors, char out[MESSAGE])
{
    char line[MESSAGE];
    snprintf(out, MESSAGE, "it said nothing");
    if (fseek(errors, 0, SEEK_SET) != 0) return;
    while (fgets(line, sizeof line, errors)) {
        size_t length = strlen(line);
        while (length && strchr(" \t\r\n^", line[length - 1])) line[--length] = '\0';
        if (length) memcpy(out, line, length + 1);
    }
}

static es_status run(FILE *script, FILE *errors, es_text *bytes, es_error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return es_fail(error, ES_INTERNAL, "cannot make a pipe: %s", strerror(errno));
    pid_t process = 0;
    es_status status = start_gnuplot(fileno(script), ends[1], fileno(errors), &process, error);
    close(ends[1]);
    if (status != ES_OK) {
        close(ends[0]);
        return status;
    }
    bool whole = read_until_end(ends[0], bytes);
    close(ends[0]);
    if (!whole) kill(process, SIGKILL);
    int result = 0;
    while (waitpid(process, &result, 0) < 0 && errno == EINTR) {
    }
    if (bytes->failed) return es_fail_memory(error, "a figure", bytes->size);
    if (!whole)
        return es_fail(error, ES_INTERNAL, "gnuplot did not finish within %d seconds",
                       TIME_LIMIT_MS / 1000);
    if (!WIFEXITED(result) || WEXITSTATUS(result) != 0 || !bytes->size) {
        char message[MESSAGE];
        last_words(errors, message);
        return es_fail(error, ES_INTERNAL, "gnuplot could not draw the figure: %s", message);
    }
    return ES_OK;
}

es_status es_gnuplot_draw(const es_figure *figure, es_figure_form form, es_text *bytes,
                          es_error *error)
{
    *bytes = (es_text){0};
    if (figure->script.failed) return es_fail_memory(error, "a figure", figure->script.size);
    FILE *script = NULL, *errors = NULL;
    es_status status = make_script(figure, form, &script, error);
    if (status == ES_OK && !(errors = tmpfile()))
        status = es_fail(error, ES_CANNOT_WRITE, "cannot make a temporary file for gnuplot: %s",
                         strerror(errno));
    if (status == ES_OK) status = run(script, errors, bytes, error);
    if (errors) fclose(errors);
    if (script) fclose(script);
    if (status == ES_OK && (form == ES_FIGURE_SVG || form == ES_FIGURE_INLINE))
        status = es_svg_finish(figure, bytes, form == ES_FIGURE_INLINE, error);
    if (status != ES_OK) es_text_release(bytes);
    return status;
}

es_status es_figure_form_of(const char *path, es_figure_form *form, es_error *error)
{
    static const char *const endings[] = {".svg", ".png", ".pdf"};
    size_t length = strlen(path);
    for (int i = 0; i < 3; i++) {
        if (length > 4 && strcasecmp(path + length - 4, endings[i]) == 0) {
            *form = (es_figure_form)i;
            return ES_OK;
        }
    }
    return es_fail(error, ES_BAD_ARGUMENT,
                   "%s: a figure's name ends in .svg, .png or .pdf; the ending chooses the format",
                   path);
}

es_status es_figure_save(es_figure *figure, const char *path, es_error *error)
{
    es_figure_form form = ES_FIGURE_SVG;
    es_text bytes = {0};
    es_status status = es_figure_form_of(path, &form, error);
    if (status == ES_OK) status = es_gnuplot_draw(figure, form, &bytes, error);
    if (status == ES_OK) status = es_output_replace(path, bytes.data, bytes.size, error);
    es_text_release(&bytes);
    es_text_release(&figure->script);
    return status;
}
