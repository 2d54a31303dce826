/* Figures, and what a token's text could do to them. */
#define _GNU_SOURCE /* mkdtemp */
#include "render/figure_style.h"
#include "render/gnuplot.h"
#include "test.h"

#include <dirent.h>
#include <embscope/embscope.h>
#include <math.h>
#include <unistd.h>

/* Each would leave a file behind if it were read as a command, by gnuplot or by a shell. */
static const char *const hostile[] = {
    "`touch harm1`",
    "$(touch harm2)",
    "\"; system(\"touch harm3\"); \"",
    "'; !touch harm4 #",
    "@harm",
    "EMBSCOPE_END\n!touch harm5\n",
    "\\\"; !touch harm6",
    "\" noenhanced; set print 'harm7'; print 1; set label \"",
    "{/Symbol a}_b^c&{d}",
    "\\042 \\x41 \\n %s %n %g",
    "</text><script>alert(1)</script>",
    " <b>&amp;",
    "\xFF\xC3\x28",
    "\xE2\x80\xAE"
    "right to left",
    "\n\t\r",
    "",
    "#14412",
    "\\1\"77",
    "日本 e\xCC\x81 \xF0\x9F\x98\x80",
    "a token that is much longer than the room that any figure has for one of its labels, indeed",
};

enum { COUNT = sizeof hostile / sizeof *hostile, COLUMNS = 4 };

typedef struct fixture {
    char folder[64];
    es_space *space;
    es_item items[COUNT];
    double cosine[COUNT * COUNT], eigenvalues[COUNT], eigenvectors[COUNT * COUNT];
    int64_t order[COUNT];
    es_merge linkage[COUNT - 1];
    es_matrix matrix;
    es_neighbor near[COUNT];
    double cosines[COUNT];
    es_neighbors neighbors;
    double edges[21];
    int64_t counts[20];
    es_distribution distribution;
    double vectors[2 * COLUMNS];
    es_selection selection;
} fixture;

/* A file of COUNT x COLUMNS float32. */
static void write_npy(const char *path)
{
    char header[118];
    memset(header, ' ', sizeof header);
    int length =
        snprintf(header, sizeof header,
                 "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", COUNT, COLUMNS);
    header[length] = ' ';
    header[sizeof header - 1] = '\n';
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, file);
    fwrite(header, 1, sizeof header, file);
    for (int i = 0; i < COUNT * COLUMNS; i++) {
        float value = (float)(i % 7) - 2.5f;
        fwrite(&value, sizeof value, 1, file);
    }
    assert_int_equal(fclose(file), 0);
}

static void make_matrix(fixture *made)
{
    for (int i = 0; i < COUNT; i++) {
        made->items[i] = (es_item){.id = i,
                                   .text = (char *)(uintptr_t)hostile[i],
                                   .text_size = strlen(hostile[i]),
                                   .piece_count = 1};
        made->order[i] = (i * 7) % COUNT;
        made->eigenvalues[i] = 1;
        for (int j = 0; j < COUNT; j++)
            made->cosine[i * COUNT + j] = i == j ? 1 : 0.9 - 0.1 * abs(i - j);
    }
    for (int r = 0; r < COUNT - 1; r++)
        made->linkage[r] = (es_merge){r ? COUNT + r - 1 : 0, r + 1, 0.1 * (r + 1), r + 2};
    for (int r = 1; r < COUNT - 1; r++) {
        made->linkage[r].a = r + 1;
        made->linkage[r].b = COUNT + r - 1;
    }
    made->matrix = (es_matrix){.n = COUNT,
                               .items = made->items,
                               .cosine = made->cosine,
                               .eigenvalues = made->eigenvalues,
                               .eigenvectors = made->eigenvectors,
                               .random_edges = {0.5, 1.5},
                               .order = made->order,
                               .linkage = made->linkage};
}

static int set_up(void **state)
{
    static fixture made;
    made = (fixture){.folder = "/tmp/embscope-figures-XXXXXX"};
    assert_non_null(mkdtemp(made.folder));
    assert_int_equal(chdir(made.folder), 0);
    write_npy("tiny.npy");
    es_error error = {{0}};
    assert_ok(es_space_open("tiny.npy", NULL, &made.space, &error), error);
    make_matrix(&made);
    for (int i = 0; i < COUNT; i++) {
        made.near[i] = (es_neighbor){i, {hostile[i], strlen(hostile[i])}, 0.9 - 0.05 * i, 0};
        made.cosines[i] = i ? 0.9 - 0.05 * i : NAN;
    }
    made.neighbors = (es_neighbors){.query = (char *)(uintptr_t)hostile[5],
                                    .query_norm = 1,
                                    .count = COUNT,
                                    .neighbors = made.near,
                                    .cosines = made.cosines};
    for (int k = 0; k <= 20; k++) made.edges[k] = -1 + k / 10.0;
    for (int k = 0; k < 20; k++) made.counts[k] = k < 10 ? k : 20 - k;
    made.distribution = (es_distribution){.rows = COUNT,
                                          .pairs = 100,
                                          .mean = 0.05,
                                          .bins = 20,
                                          .edges = made.edges,
                                          .counts = made.counts,
                                          .random_standard_deviation = 0.5,
                                          .once_level = 0.9};
    for (int k = 0; k < 2 * COLUMNS; k++) made.vectors[k] = k - 3.5;
    made.selection = (es_selection){.count = 2, .items = made.items + 5};
    *state = &made;
    return 0;
}

static int tear_down(void **state)
{
    fixture *made = *state;
    es_space_free(made->space);
    DIR *folder = opendir(made->folder);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        if (entry->d_name[0] != '.') unlink(entry->d_name);
    if (folder) closedir(folder);
    return chdir("/") || rmdir(made->folder);
}

static bool no_gnuplot(es_status status, const es_error *error)
{
    if (status != ES_UNSUPPORTED) return false;
    printf("%s\n", error->text);
    return true;
}

/* The files of the folder, but for those that ought to be there. */
static void assert_no_harm(const fixture *made)
{
    DIR *folder = opendir(made->folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        const char *name = entry->d_name;
        if (name[0] == '.' || strstr(name, "figure.") == name || strcmp(name, "tiny.npy") == 0)
            continue;
        fail_msg("a token's text made the file %s", name);
    }
    closedir(folder);
}

static void draw_all(fixture *made, const char *path)
{
    es_error error = {{0}};
    es_status status = es_plot_matrix(made->space, &made->matrix, path, &error);
    if (no_gnuplot(status, &error)) skip();
    assert_ok(status, error);
    assert_ok(es_plot_neighbors(made->space, &made->neighbors, path, &error), error);
    assert_ok(es_plot_distribution(made->space, &made->distribution, path, &error), error);
    for (int i = 0; i + 1 < COUNT; i++) {
        made->selection.items = made->items + i;
        assert_ok(es_plot_embeddings(made->space, &made->selection, made->vectors, path, &error),
                  error);
    }
    assert_no_harm(made);
}

static void token_text_runs_nothing(void **state)
{
    draw_all(*state, "figure.svg");
    draw_all(*state, "figure.png");
    draw_all(*state, "figure.pdf");
}

/* The two ways in, by themselves: figures escape before they come to these. */
static void text_stays_data(void **state)
{
    for (int i = 0; i < COUNT; i++) {
        es_figure figure = {.width = 300, .height = 200, .name = "text"};
        es_gnuplot_line(&figure.script, "words", hostile[i], strlen(hostile[i]));
        es_text_add(&figure.script, "$data << " ES_GNUPLOT_END "\n1 2 ");
        es_gnuplot_field(&figure.script, hostile[i], strlen(hostile[i]));
        es_text_add(&figure.script, "\n" ES_GNUPLOT_END "\nset title words noenhanced\n"
                                    "plot $data using 1:2:3 with labels noenhanced notitle\n");
        es_text svg = {0};
        es_error error = {{0}};
        es_status status = es_gnuplot_draw(&figure, ES_FIGURE_SVG, &svg, &error);
        es_text_release(&figure.script);
        if (no_gnuplot(status, &error)) skip();
        assert_ok(status, error);
        es_text_release(&svg);
        assert_no_harm(*state);
    }
}

static void forms_are_what_they_say(void **state)
{
    fixture *made = *state;
    static const struct {
        const char *path, *start;
    } forms[] = {{"figure.SVG", "<?xml"}, {"figure.png", "\x89PNG"}, {"figure.pdf", "%PDF"}};
    es_error error = {{0}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        es_status status = es_plot_matrix(made->space, &made->matrix, forms[i].path, &error);
        if (no_gnuplot(status, &error)) skip();
        assert_ok(status, error);
        char start[8] = {0};
        FILE *file = fopen(forms[i].path, "rb");
        assert_non_null(file);
        assert_int_equal(fread(start, 1, 4, file), 4);
        fclose(file);
        assert_memory_equal(start, forms[i].start, 4);
    }
    assert_int_equal(es_plot_matrix(made->space, &made->matrix, "figure.gif", &error),
                     ES_BAD_ARGUMENT);
    assert_says(error, ".svg, .png or .pdf");
    assert_int_equal(es_plot_matrix(made->space, &made->matrix, "absent/figure.svg", &error),
                     ES_CANNOT_WRITE);
    assert_says(error, "absent/figure.svg: cannot write");
}

/* What stands in a page must hold every token as text, and no markup of its own making. */
static void inline_svg_is_text(void **state)
{
    fixture *made = *state;
    es_figure figure = es_figure_matrix(made->space, &made->matrix);
    es_text svg = {0};
    es_error error = {{0}};
    es_status status = es_gnuplot_draw(&figure, ES_FIGURE_INLINE, &svg, &error);
    es_text_release(&figure.script);
    if (no_gnuplot(status, &error)) skip();
    assert_ok(status, error);
    assert_null(strstr(svg.data, "<script"));
    assert_null(strstr(svg.data, "<?xml"));
    assert_null(strstr(svg.data, "EmbscopeSans"));
    assert_null(strstr(svg.data, "id='gp"));
    assert_null(strstr(svg.data, "\xE2\x80\xAE"));
    assert_non_null(strstr(svg.data, "&lt;/text>&lt;script>"));
    assert_non_null(strstr(svg.data, "`touch harm1`"));
    assert_non_null(strstr(svg.data, "$(touch harm2)"));
    assert_non_null(strstr(svg.data, "@harm"));
    assert_non_null(strstr(svg.data, "{/Symbol a}_b^c&amp;"));
    assert_non_null(strstr(svg.data, "\\042 \\x41 \\n %s"));
    assert_non_null(strstr(svg.data, "\\xFF\\xC3("));
    assert_non_null(strstr(svg.data, "<text>#14412</text>"));
    assert_non_null(strstr(svg.data, "<text>\\1\"77</text>"));
    assert_non_null(strstr(svg.data, "日本"));
    es_text_release(&svg);
}

static void a_broken_script_is_told(void **state)
{
    (void)state;
    es_figure figure = {.width = 100, .height = 100, .name = "broken"};
    es_text_add(&figure.script, "set nonsense to 7\n");
    es_text bytes = {0};
    es_error error = {{0}};
    es_status status = es_gnuplot_draw(&figure, ES_FIGURE_SVG, &bytes, &error);
    es_text_release(&figure.script);
    if (no_gnuplot(status, &error)) skip();
    assert_int_equal(status, ES_INTERNAL);
    assert_says(error, "gnuplot could not draw the figure");
    assert_null(bytes.data);
}

static void without_gnuplot_it_says_how_to_get_it(void **state)
{
    fixture *made = *state;
    char *path = getenv("PATH") ? strdup(getenv("PATH")) : NULL;
    setenv("PATH", "/nonexistent", 1);
    es_error error = {{0}};
    es_status status = es_plot_matrix(made->space, &made->matrix, "figure.none.svg", &error);
    if (path) setenv("PATH", path, 1);
    free(path);
    assert_int_equal(status, ES_UNSUPPORTED);
    assert_says(error, "gnuplot-nox");
    assert_int_not_equal(access("figure.none.svg", F_OK), 0);
}

static void odd_numbers_are_drawn(void **state)
{
    fixture *made = *state;
    es_error error = {{0}};
    es_distribution none = made->distribution;
    int64_t counts[20] = {0};
    counts[19] = 1;
    none.counts = counts;
    none.pairs = 1;
    none.mean = 1;
    none.once_level = NAN;
    es_status status = es_plot_distribution(made->space, &none, "figure.svg", &error);
    if (no_gnuplot(status, &error)) skip();
    assert_ok(status, error);
    es_neighbors alone = made->neighbors;
    double cosines[COUNT];
    for (int i = 0; i < COUNT; i++) cosines[i] = NAN;
    alone.count = 0;
    alone.cosines = cosines;
    assert_ok(es_plot_neighbors(made->space, &alone, "figure.svg", &error), error);
    const double zero[2 * COLUMNS] = {0};
    made->selection.items = made->items;
    assert_ok(es_plot_embeddings(made->space, &made->selection, zero, "figure.svg", &error), error);
    es_matrix two = made->matrix;
    const double one[4] = {1, 1, 1, 1};
    int64_t order[2] = {1, 0};
    es_merge merge = {0, 1, 0, 2};
    two.n = 2;
    two.cosine = (double *)(uintptr_t)one;
    two.order = order;
    two.linkage = &merge;
    assert_ok(es_plot_matrix(made->space, &two, "figure.svg", &error), error);
    alone.cosines = NULL;
    assert_int_equal(es_plot_neighbors(made->space, &alone, "figure.svg", &error), ES_BAD_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_text_runs_nothing),
        cmocka_unit_test(text_stays_data),
        cmocka_unit_test(forms_are_what_they_say),
        cmocka_unit_test(inline_svg_is_text),
        cmocka_unit_test(a_broken_script_is_told),
        cmocka_unit_test(without_gnuplot_it_says_how_to_get_it),
        cmocka_unit_test(odd_numbers_are_drawn),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
