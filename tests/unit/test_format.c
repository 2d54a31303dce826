#include "scratch.h"

static void says_what_a_file_is(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t size;
        const char *says;
    } files[] = {
        {"", 0, "the file is empty (0 bytes)"},
        {"<!DOCTYPE html>\n<html>", 22, "looks like an HTML page (a failed download?)"},
        {" \n<HTML><body>", 14, "looks like an HTML page"},
        {"\xEF\xBB\xBF<html>", 9, "looks like an HTML page"},
        {"version https://git-lfs.github.com/spec/v1\noid sha256:0123abc\nsize 548105171\n", 77,
         "a Git LFS pointer, not the data (sha256 0123abc, 548105171 bytes)"},
        {"GGUF\3\0\0\0", 8, "a GGUF file, which is not supported yet"},
        {"lmgg\1\0\0\0", 8, "a GGML file, a format that is no longer used"},
        {"tjgg\3\0\0\0", 8, "a GGJT file"},
        {"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e.", 16,
         "a PyTorch file, which is not supported yet; convert it to safetensors"},
        {"\x80\x04\x95\0\0\0\0\0\0\0\0", 11, "a Python pickle, which is a program"},
        {"\xba\x16\x4f\x2f\x0c\0\0\0", 8, "a fastText .bin model, which is not supported yet"},
        {"\x89HDF\r\n\x1a\n", 8, "an HDF5 file"},
        {"{\"model_type\": \"gpt2\"}", 22, "looks like JSON"},
        {"\x7F"
         "ELF\2\1\1\0\0\0\0\0\0",
         13, "no format that is known here"},
        {"\x1F\x8B\x08\0\0\0\0\0\0\3\xCB\x48\xCD\xC9\xC9\x07\0\x86\xA6\x10\x36\5\0\0\0", 25,
         "gzip of something that is not word vectors"},
        {"\x1F\x8B\x08\0\0\0\0\0\0\3\xFF\xFF", 12, "damaged gzip data"},
        {"\x1F\x8B\x08\0\0\0", 6, "the gzip data ends too early"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        assert_refused(scratch_write("file", files[i].data, files[i].size), files[i].says);
    char tar[512] = "model/";
    memcpy(tar + 257, "ustar", 5);
    assert_refused(scratch_write("old.pt", tar, sizeof tar), "a tar archive");
}

/* A name says little: a page saved as model.safetensors is a page. */
static void content_comes_before_names(void **state)
{
    (void)state;
    assert_refused(scratch_write("m.safetensors", "<!doctype html>", 15), "an HTML page");
    assert_refused(scratch_write("m.npz", "<html>", 6), "an HTML page");
    assert_refused(scratch_write("m.safetensors", "GGUF\3\0\0\0\0\0", 10), "a GGUF file");
    es_container container;
    assert_opens(scratch_write("m.npy", "\2\0\0\0\0\0\0\0{}", 10), &container);
    assert_string_equal(container.format, "safetensors");
    es_container_release(&container);
    /* A header of 0x280 bytes begins like a pickle. */
    es_text text = {0};
    append_le(&text, 0x280, 8);
    es_text_add(&text, "{}");
    for (int i = 2; i < 0x280; i++) es_text_add(&text, " ");
    assert_opens(scratch_write_text("m.bin", &text), &container);
    es_container_release(&container);
    es_text_release(&text);
}

static void releasing_nothing_is_legal(void **state)
{
    (void)state;
    es_container container = {0};
    es_container_release(&container);
    es_container_release(&container);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_a_file_is),
        cmocka_unit_test(content_comes_before_names),
        cmocka_unit_test(releasing_nothing_is_legal),
    };
    return cmocka_run_group_tests_name("format", tests, scratch_setup, scratch_teardown);
}
