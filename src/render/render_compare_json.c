/* A comparison, for programs. */
#include "render/render_common.h"

#include <math.h>

/* ---- models -----------------------------------------------------------------------------------
 */

static void write_ceiling(es_json_writer *json, const char *key, double upper, double lower)
{
    es_json_write_key(json, key);
    if (isnan(upper)) {
        es_json_write_null(json);
        return;
    }
    es_json_write_object(json);
    es_json_member_double(json, "lower", lower);
    es_json_member_double(json, "upper", upper);
    es_json_write_end(json);
}

static void write_categories(es_json_writer *json, const es_compared_model *model)
{
    es_json_write_key(json, "categories");
    if (!model->has_categories) {
        es_json_write_null(json);
        return;
    }
    es_json_write_object(json);
    es_json_member_double(json, "within", model->within);
    es_json_member_int(json, "within_pairs", model->within_pairs);
    es_json_member_double(json, "between", model->between);
    es_json_member_int(json, "between_pairs", model->between_pairs);
    es_json_member_double(json, "cohens_d", model->cohens_d);
    es_json_member_double(json, "p_permutation", model->category_p);
    es_json_write_end(json);
}

static void write_model(es_json_writer *json, const es_space *space,
                        const es_comparison *comparison, int64_t m)
{
    const es_compared_model *model = &comparison->models[m];
    const es_shared_of *of = &comparison->shared.of[m];
    bool named = comparison->shared.match != ES_MATCH_ROWS;
    es_json_write_object(json);
    es_render_json_source_members(json, es_space_source(space));
    es_json_write_key(json, "names");
    if (named)
        es_json_write_int(json, of->names);
    else
        es_json_write_null(json);
    es_json_member_int(json, "collided", of->collided);
    es_json_member_int(json, "undefined", of->undefined);
    es_json_member_double(json, "coverage", of->coverage);
    es_json_member_double(json, "mean_cosine", model->mean_cosine);
    es_json_member_double(json, "standard_deviation", model->deviation);
    es_json_member_double(json, "effective_rank", model->effective_rank);
    es_json_member_double(json, "participation_ratio", model->participation_ratio);
    es_json_write_key(json, "eigenvalue_shares");
    es_json_write_doubles(json, model->shares, model->share_count);
    write_ceiling(json, "noise_ceiling", model->ceiling_upper, model->ceiling_lower);
    write_categories(json, model);
    es_json_write_end(json);
}

/* ---- measures ---------------------------------------------------------------------------------
 */

static void write_chance(es_json_writer *json, const char *key, const es_chance *chance)
{
    es_json_write_key(json, key);
    es_json_write_object(json);
    es_json_member_int(json, "items", chance->items);
    es_json_member_int(json, "permutations", chance->permutations);
    es_json_member_double(json, "observed", chance->observed);
    es_json_member_double(json, "mean", chance->mean);
    es_json_member_double(json, "standard_deviation", chance->deviation);
    es_json_member_double(json, "level", chance->level);
    es_json_member_double(json, "score", chance->score);
    es_json_member_double(json, "p_permutation", chance->p);
    es_json_write_end(json);
}

static void write_rsa(es_json_writer *json, const es_rsa *rsa)
{
    es_json_write_key(json, "rsa");
    es_json_write_object(json);
    es_json_member_double(json, "pearson", rsa->pearson);
    es_json_member_int(json, "pairs", rsa->pairs);
    es_json_member_double(json, "p_permutation", rsa->chance.p);
    es_json_write_key(json, "interval");
    es_json_write_object(json);
    es_json_member_double(json, "low", rsa->low);
    es_json_member_double(json, "high", rsa->high);
    es_json_member_int(json, "items", rsa->interval_items);
    es_json_member_int(json, "resamples", rsa->resamples);
    es_json_write_end(json);
    write_chance(json, "chance", &rsa->chance);
    es_json_member_double(json, "spearman", rsa->spearman);
    es_json_member_double(json, "rho_a", rsa->rho_a);
    es_json_member_double(json, "kendall", rsa->kendall);
    es_json_member_double(json, "rank_error", rsa->rank_error);
    es_json_write_end(json);
}

static void write_cka(es_json_writer *json, const es_cka *cka)
{
    es_json_write_key(json, "cka");
    es_json_write_object(json);
    es_json_member_double(json, "linear", cka->linear);
    es_json_member_double(json, "debiased", cka->debiased);
    es_json_member_double(json, "hsic", cka->hsic);
    write_chance(json, "linear_chance", &cka->linear_chance);
    write_chance(json, "debiased_chance", &cka->debiased_chance);
    es_json_write_end(json);
}

static void write_procrustes(es_json_writer *json, const es_procrustes *procrustes)
{
    es_json_write_key(json, "procrustes");
    es_json_write_object(json);
    es_json_member_double(json, "mean_cosine", procrustes->mean_cosine);
    es_json_member_double(json, "residual", procrustes->residual);
    es_json_member_double(json, "angle_degrees", procrustes->angle);
    es_json_write_key(json, "held_out");
    es_json_write_object(json);
    es_json_member_int(json, "train", procrustes->train);
    es_json_member_int(json, "test", procrustes->test);
    es_json_member_double(json, "train_cosine", procrustes->train_cosine);
    es_json_member_double(json, "test_cosine", procrustes->test_cosine);
    es_json_write_end(json);
    write_chance(json, "chance", &procrustes->chance);
    es_json_write_end(json);
}

static void write_overlap(es_json_writer *json, const es_neighbor_overlap *overlap)
{
    es_json_write_key(json, "neighbor_overlap");
    es_json_write_object(json);
    es_json_member_int(json, "k", overlap->k);
    es_json_member_double(json, "mutual", overlap->mutual);
    es_json_member_double(json, "jaccard", overlap->jaccard);
    es_json_member_double(json, "expected", overlap->expected);
    es_json_member_double(json, "jaccard_expected", overlap->jaccard_expected);
    es_json_member_int(json, "unchanged", overlap->unchanged);
    es_json_member_int(json, "disjoint", overlap->disjoint);
    write_chance(json, "chance", &overlap->chance);
    es_json_write_end(json);
}

/* ---- tokens -----------------------------------------------------------------------------------
 */

void es_render_json_neighbors(es_json_writer *json, const char *key, es_space *const *spaces,
                              const es_shared_tokens *shared, int64_t model, const int32_t *items,
                              const float *cosines, int64_t k)
{
    es_json_write_key(json, key);
    es_json_write_array(json);
    for (int64_t j = 0; j < k; j++) {
        int64_t id = es_shared_id(shared, items[j], model);
        es_json_write_object(json);
        es_json_member_int(json, "id", id);
        es_render_json_token(json, spaces[model], id);
        es_json_write_key(json, "cosine");
        es_json_write_float(json, cosines[j]);
        es_json_write_end(json);
    }
    es_json_write_end(json);
}

static void write_tokens(es_json_writer *json, const char *key, es_space *const *spaces,
                         const es_comparison *comparison, const es_pair_comparison *pair,
                         const es_moved_token *tokens)
{
    es_json_write_key(json, key);
    es_json_write_array(json);
    for (int64_t i = 0; i < pair->shown; i++) {
        const es_moved_token *token = &tokens[i];
        int64_t id = es_shared_id(&comparison->shared, token->item, pair->a);
        es_json_write_object(json);
        es_json_member_int(json, "id_a", id);
        es_json_member_int(json, "id_b", es_shared_id(&comparison->shared, token->item, pair->b));
        es_render_json_token(json, spaces[pair->a], id);
        es_json_member_int(json, "common", token->common);
        es_json_member_double(json, "drift", token->drift);
        es_render_json_neighbors(json, "neighbors_a", spaces, &comparison->shared, pair->a,
                                 token->neighbors[0], token->cosines[0], pair->overlap.k);
        es_render_json_neighbors(json, "neighbors_b", spaces, &comparison->shared, pair->b,
                                 token->neighbors[1], token->cosines[1], pair->overlap.k);
        es_json_write_end(json);
    }
    es_json_write_end(json);
}

static void write_pair(es_json_writer *json, es_space *const *spaces,
                       const es_comparison *comparison, const es_pair_comparison *pair)
{
    write_rsa(json, &pair->rsa);
    write_cka(json, &pair->cka);
    write_procrustes(json, &pair->procrustes);
    write_overlap(json, &pair->overlap);
    write_tokens(json, "moved", spaces, comparison, pair, pair->moved);
    write_tokens(json, "stable", spaces, comparison, pair, pair->stable);
}

/* The members of the first two models stand at the top; of three models and more, `pairs` has all.
 */
void es_render_compare_members(es_json_writer *json, es_space *const *spaces,
                               const es_comparison *comparison)
{
    const es_shared_tokens *shared = &comparison->shared;
    es_json_write_key(json, "models");
    es_json_write_array(json);
    for (int64_t m = 0; m < comparison->model_count; m++)
        write_model(json, spaces[m], comparison, m);
    es_json_write_end(json);
    es_json_member_int(json, "shared_tokens", shared->count);
    es_json_write_key(json, "match");
    es_json_write_text(json, es_match_text(shared->match));
    es_json_member_int(json, "asked", shared->asked);
    es_json_member_int(json, "missing", shared->missing);
    es_json_member_int(json, "seed", (int64_t)comparison->seed);
    write_pair(json, spaces, comparison, &comparison->pairs[0]);
    write_ceiling(json, "noise_ceiling", comparison->ceiling_upper, comparison->ceiling_lower);
    if (comparison->model_count < 3) return;
    es_json_write_key(json, "pairs");
    es_json_write_array(json);
    for (int64_t p = 0; p < comparison->pair_count; p++) {
        es_json_write_object(json);
        es_json_member_int(json, "a", comparison->pairs[p].a);
        es_json_member_int(json, "b", comparison->pairs[p].b);
        write_pair(json, spaces, comparison, &comparison->pairs[p]);
        es_json_write_end(json);
    }
    es_json_write_end(json);
}
