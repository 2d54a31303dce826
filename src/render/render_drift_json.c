/* A series, for programs. */
#include "render/render_common.h"
#include "render/render_drift.h"

static void write_measures(es_json_writer *json, const char *key, const es_drift *drift,
                           const es_drift_measures *measures)
{
    es_json_write_key(json, key);
    if (measures->against < 0) {
        es_json_write_null(json);
        return;
    }
    es_json_write_object(json);
    es_json_member_int(json, "checkpoint", measures->against);
    es_json_write_key(json, "neighbor_overlap");
    es_json_write_object(json);
    es_json_member_int(json, "k", drift->k);
    es_json_member_double(json, "mutual", measures->mutual);
    es_json_member_double(json, "jaccard", measures->jaccard);
    es_json_member_double(json, "expected", drift->expected);
    es_json_write_end(json);
    es_json_write_key(json, "rsa");
    es_json_write_object(json);
    es_json_member_double(json, "pearson", measures->rsa);
    es_json_write_end(json);
    es_json_write_key(json, "cka");
    es_json_write_object(json);
    es_json_member_double(json, "linear", measures->cka_linear);
    es_json_member_double(json, "debiased", measures->cka);
    es_json_write_end(json);
    es_json_write_key(json, "procrustes");
    es_json_write_object(json);
    es_json_member_double(json, "mean_cosine", measures->procrustes_cosine);
    es_json_member_double(json, "residual", measures->procrustes_residual);
    es_json_write_end(json);
    es_json_write_end(json);
}

static void write_checkpoint(es_json_writer *json, es_space *const *spaces,
                             const char *const *names, const es_drift *drift, int64_t m)
{
    const es_drift_checkpoint *here = &drift->checkpoints[m];
    const es_shared_of *of = &drift->shared.of[m];
    es_json_write_object(json);
    es_json_write_key(json, "model");
    es_json_write_text(json, names[m]);
    es_render_json_source_members(json, es_space_source(spaces[m]));
    es_json_member_int(json, "collided", of->collided);
    es_json_member_int(json, "undefined", of->undefined);
    es_json_member_double(json, "coverage", of->coverage);
    es_json_write_key(json, "isotropy");
    es_json_write_object(json);
    es_json_member_double(json, "mean_cosine", here->mean_cosine);
    es_json_member_double(json, "effective_rank", here->effective_rank);
    es_json_member_double(json, "participation_ratio", here->participation_ratio);
    es_json_member_double(json, "isoscore", here->isoscore);
    es_json_write_end(json);
    write_measures(json, "first", drift, &here->first);
    write_measures(json, "previous", drift, &here->previous);
    write_measures(json, "last", drift, &here->last);
    es_json_write_end(json);
}

static void write_tokens(es_json_writer *json, const char *key, es_space *const *spaces,
                         const es_drift *drift, const es_drift_token *tokens)
{
    es_json_write_key(json, key);
    es_json_write_array(json);
    for (int64_t i = 0; i < drift->shown; i++) {
        const es_drift_token *token = &tokens[i];
        es_json_write_object(json);
        es_json_member_int(json, "id", es_shared_id(&drift->shared, token->item, 0));
        es_json_member_int(json, "id_last",
                           es_shared_id(&drift->shared, token->item, drift->count - 1));
        es_render_json_token(json, spaces[0], es_shared_id(&drift->shared, token->item, 0));
        es_json_member_double(json, "stability", token->stability);
        es_json_write_key(json, "common");
        es_json_write_array(json);
        for (int64_t s = 0; s + 1 < drift->count; s++) es_json_write_int(json, token->common[s]);
        es_json_write_end(json);
        es_json_member_int(json, "common_ends", token->common_ends);
        es_json_member_int(json, "moved_most", token->moved_most);
        es_render_json_neighbors(json, "neighbors_first", spaces, &drift->shared, 0,
                                 token->neighbors[0], token->cosines[0], drift->k);
        es_render_json_neighbors(json, "neighbors_last", spaces, &drift->shared, drift->count - 1,
                                 token->neighbors[1], token->cosines[1], drift->k);
        es_json_write_end(json);
    }
    es_json_write_end(json);
}

void es_render_drift_members(es_json_writer *json, es_space *const *spaces,
                             const char *const *names, const es_drift *drift)
{
    const es_shared_tokens *shared = &drift->shared;
    es_json_member_int(json, "shared_tokens", shared->count);
    es_json_write_key(json, "match");
    es_json_write_text(json, es_match_text(shared->match));
    es_json_member_int(json, "asked", shared->asked);
    es_json_member_int(json, "missing", shared->missing);
    es_json_member_int(json, "pairs", shared->count * (shared->count - 1) / 2);
    es_json_member_int(json, "k", drift->k);
    es_json_write_key(json, "checkpoints");
    es_json_write_array(json);
    for (int64_t m = 0; m < drift->count; m++) write_checkpoint(json, spaces, names, drift, m);
    es_json_write_end(json);
    es_json_write_key(json, "stability");
    es_json_write_object(json);
    es_json_member_double(json, "mean", drift->stability);
    es_json_member_int(json, "unchanged", drift->unchanged);
    es_json_member_int(json, "gone", drift->gone);
    es_json_write_end(json);
    write_tokens(json, "stable", spaces, drift, drift->stable);
    write_tokens(json, "unstable", spaces, drift, drift->unstable);
}
