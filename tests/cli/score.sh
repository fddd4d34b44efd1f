#!/usr/bin/env bash
# score, generate, tokenize, detokenize: exact outputs on small inputs.
. "$(dirname "$0")/common.bash"
"$make_checkpoint" tiny
"$make_checkpoint" long blocks=0 positionals=1 qknorm=0
"$make_checkpoint" notok tokenizer=none

echo '[[256,72,101,108,108,111],[256,1,2]]' >ids.json
echo '{"input_ids":[[256,72,101,108,108,111],[256,1,2]],"ignored":true}' >object.json
score() { "$fotbench" score --model tiny "$@"; }
check score_runs score --tokens ids.json --out a.csv
check score_header bash -c '[ "$(head -n 1 a.csv)" = sequence,turn,position,token,nll_nats,argmax ]'
check score_rows bash -c '[ "$(cut -d, -f1-4 a.csv | tail -n +2 | tr "\n" " ")" = "0,,1,72 0,,2,101 0,,3,108 0,,4,108 0,,5,111 1,,1,1 1,,2,2 " ]'
check score_object_form score --tokens object.json --out b.csv
check score_forms_agree cmp a.csv b.csv
printf Hello >hello.txt
check score_text score --text hello.txt --out c.csv
check score_text_equals_tokens bash -c 'cmp <(head -n 6 a.csv) c.csv'
check score_threads_agree bash -c '"$0" score --model tiny --tokens ids.json --out d.csv -t 2 && cmp a.csv d.csv' "$fotbench"
check score_without_tokenizer "$fotbench" score --model notok --tokens ids.json --out e.csv
printf '\357\273\277Hello\r\nyou\n' >crlf.txt && printf 'Hello\nyou\n' >lf.txt && gzip -k crlf.txt
check score_text_as_a_document bash -c 'for f in lf.txt crlf.txt crlf.txt.gz; do "$0" score -m tiny --text $f -o $f.csv || exit 1; cmp lf.txt.csv $f.csv || exit 1; done' "$fotbench"
exits score_text_not_utf8 5 'bad.txt: line 2, byte offset 4: invalid UTF-8' bash -c 'printf "abc\n\377" >bad.txt; "$0" score -m tiny --text bad.txt -o x.csv' "$fotbench"
exits score_output_has_no_folder 6 'nowhere/x.csv: cannot create a file in nowhere' "$fotbench" score -m tiny --text lf.txt -o nowhere/x.csv
exits score_output_is_the_input 2 './lf.txt: is what is read' "$fotbench" score -m tiny --text lf.txt -o ./lf.txt
exits score_output_is_the_logits 2 'x.csv: expected another file for --logits' "$fotbench" score -m tiny --text lf.txt -o x.csv --logits x.csv
exits score_output_is_the_logits_by_another_path 2 'expected another file for --logits' "$fotbench" score -m tiny --text lf.txt -o ./x.csv --logits x.csv
check score_streams_take_both "$fotbench" score -m tiny --text lf.txt -o /dev/null --logits /dev/null
mkfifo pipe && { timeout 60 cat pipe >piped.csv & sleep 0.1; } # the reader waits for the first that opens it
check score_into_a_pipe "$fotbench" score -m tiny --text lf.txt -o pipe
wait
check score_pipe_takes_all_rows cmp piped.csv lf.txt.csv
exits score_output_is_the_model 2 'model.safetensors: is a file of the model' "$fotbench" score -m tiny --text lf.txt -o x.csv --logits tiny/model.safetensors
check score_refused_outputs_leave_the_input cmp lf.txt <(printf 'Hello\nyou\n')
exits score_text_without_tokenizer 5 'no tokenizer' "$fotbench" score --model notok --text hello.txt --out e.csv

tensors() { head -c 600 "$1" | tr -d '\0' | grep -aoE '"logits[^"]*":\{[^}]*"shape":\[[0-9, ]*\]|"shape":\[[0-9, ]*\]' | grep -oE '\[[0-9, ]*\]' | tr -d ' ' | tr '\n' ' '; }
echo '[[1,2,3,4],[5,6,7,8]]' >even.json
check score_logits score --tokens even.json --out f.csv --logits f.safetensors
check score_logits_shape test "$(tensors f.safetensors)" = "[2,4,258] "
check score_ragged_logits score --tokens ids.json --out f.csv --logits r.safetensors
check score_ragged_shapes test "$(tensors r.safetensors)" = "[1,6,258] [1,3,258] "
seq -s, 0 39 | sed 's/.*/[[&]]/' >forty.json
check score_last_window_logits score --tokens forty.json --out g.csv --logits g.safetensors
check score_last_window_shape test "$(tensors g.safetensors)" = "[1,8,258] "
check score_all_logits score --tokens forty.json --out g.csv --logits g.safetensors --all-logits
check score_all_logits_shape test "$(tensors g.safetensors)" = "[1,40,258] "
check score_last_window_only score --tokens forty.json --out last.csv --last-window
check score_last_window_same_numbers bash -c 'cmp <(tail -n 7 g.csv) <(tail -n +2 last.csv)'
check score_longllama_cut "$fotbench" score --model long --tokens forty.json --out h.csv --logits h.safetensors
check score_longllama_last_context test "$(tensors h.safetensors)" = "[1,16,258] "
check score_last_context_flag "$fotbench" score --model long --tokens forty.json --out h.csv --logits h.safetensors --last-context 36
check score_last_context_longer_than_window test "$(tensors h.safetensors)" = "[1,36,258] "
differ() { ! cmp -s "$1" "$2"; }
score --tokens forty.json --out none.csv --memory none
score --tokens forty.json --out dense.csv --memory dense
score --tokens forty.json --out knn.csv --memory knn --top-k 2
check score_memory_matters differ none.csv dense.csv
check score_top_k_matters differ dense.csv knn.csv
check score_memory_only_behind_the_window bash -c 'cmp <(head -n 32 none.csv) <(head -n 32 dense.csv)'
score --tokens forty.json --out w.csv --memory none --window 8
check score_window_matters differ none.csv w.csv

refuse() { # NAME JSON PATTERN
	echo "$2" >refuse.json
	exits "$1" 5 "$3" "$fotbench" score --model tiny --tokens refuse.json --out x.csv
}
refuse score_id_too_large '[[1,258]]' 'sequence 0, token 1'
refuse score_negative_id '[[1,-1]]' 'token 1'
refuse score_fraction '[[1,1.5]]' 'token 1'
refuse score_text_id '[["a"]]' 'token 0'
refuse score_empty_sequence '[[]]' 'sequence 0'
refuse score_empty_list '[]' 'list of sequences'
refuse score_no_json 'hello' 'refuse.json'
refuse score_no_turns '{"turns":[]}' 'at least one'
refuse score_turn_rows '{"turns":[{"input_ids":[[1]]},{"input_ids":[[1],[2]]}]}' 'turn 1: .*2 sequences, the first turn has 1'
refuse score_turn_use_cache '{"turns":[{"input_ids":[[1]]},{"input_ids":[[2]],"use_cache":false}]}' 'sequence 0, turn 1: use_cache'
refuse score_padding_on_the_right '{"input_ids":[[1,2]],"attention_mask":[[1,0]]}' 'on the left only'
refuse score_padding_behind_tokens '{"turns":[{"input_ids":[[1,2]]},{"input_ids":[[1,2]],"attention_mask":[[0,1]]}]}' 'behind tokens'
refuse score_mask_columns '{"turns":[{"input_ids":[[1,2]]},{"input_ids":[[1,2]],"attention_mask":[[1,1,1]]}]}' '3 columns, expected 2, or 4'
refuse score_mask_values '{"input_ids":[[1,2]],"attention_mask":[[2,1]]}' 'only 0 and 1'
refuse score_mask_rows '{"input_ids":[[1,2]],"attention_mask":[[1,1],[1,1]]}' 'attention_mask: 2 rows'
refuse score_mask_length '{"input_ids":[[1,2]],"attention_mask":[[1]]}' 'expected 2 numbers'
refuse score_missing_ids '{"ids":[[1,2]]}' 'input_ids'
check score_refusals_write_nothing test ! -e x.csv
echo '{"input_ids":[[1,2]],"attention_mask":[[1,1]]}' >ones.json
check score_mask_of_ones score --tokens ones.json --out x.csv

echo '{"turns":[{"input_ids":[[1,2,3],[4,5,6]],"use_cache":false},{"input_ids":[[7,8],[9,10]]}]}' >turns.json
check score_turns "$fotbench" score --model long --tokens turns.json --out t.csv --logits t.safetensors
check score_turn_rows_in_csv bash -c '[ "$(cut -d, -f1-4 t.csv | tail -n +2 | tr "\n" " ")" = "0,0,1,2 0,0,2,3 0,1,1,8 1,0,1,5 1,0,2,6 1,1,1,10 " ]'
check score_turn_logits test "$(tensors t.safetensors)" = "[2,3,258] [2,2,258] "
check score_turn_names grep -qa turn1.logits t.safetensors
prints generate_turns '^\{"sequence":1,"tokens":\[[0-9]+(,[0-9]+){2}\]\}$' "$fotbench" generate --model long --tokens turns.json --max-new 3 --ignore-eos
echo '{"input_ids":[[257,257,5,6,7],[1,2,3,4,5]],"attention_mask":[[0,0,1,1,1],[1,1,1,1,1]]}' >padded.json
echo '[[5,6,7]]' >bare.json
check score_padding "$fotbench" score --model long --tokens padded.json --out p.csv
"$fotbench" score --model long --tokens bare.json --out q.csv
check score_padding_changes_nothing_in_one_window bash -c '[ "$(sed -n 4,5p p.csv | cut -d, -f4,6)" = "$(sed -n 2,3p q.csv | cut -d, -f4,6)" ]'
"$make_checkpoint" plain blocks=0 positionals=1 qknorm=0 mem=none
"$make_checkpoint" both blocks=0 positionals=1 qknorm=0 mem=1+2
"$fotbench" score --model plain --mem-layers 2,1 --tokens forty.json --out attached.csv
"$fotbench" score --model both --tokens forty.json --out built.csv
check score_mem_layers cmp attached.csv built.csv
exits score_mem_layers_twice 2 'different layers 0 to 2, got 1' "$fotbench" score --model plain --mem-layers 1,1 --tokens forty.json --out x.csv
exits score_mem_layers_list 2 '6,12,18' "$fotbench" score --model plain --mem-layers 1,x --tokens forty.json --out x.csv
exits score_both_inputs 2 'one of' "$fotbench" score --model tiny --tokens ids.json --text hello.txt --out x.csv
exits score_last_context_of_blocks 2 'aligned windows' "$fotbench" score --model tiny --tokens ids.json --out x.csv --last-context 4
exits score_output_folder_missing 6 'no/such' "$fotbench" score --model tiny --tokens ids.json --out no/such/x.csv
"$make_checkpoint" broken scale=1e20
exits score_logits_not_finite 1 'not finite' "$fotbench" score --model broken --tokens ids.json --out x2.csv

prints generate_lines '^\{"sequence":1,"tokens":\[[0-9]+(,[0-9]+){4}\]\}$' "$fotbench" generate --model tiny --tokens ids.json --max-new 5 --ignore-eos
check generate_two_lines bash -c '[ "$("$0" generate --model long --tokens ids.json --max-new 40 --ignore-eos | wc -l)" = 2 ]' "$fotbench"
printf 'int main' >given.txt
gen() { "$fotbench" generate -m tiny --max-new 9 --ignore-eos "$@"; }
gen --text given.txt --json >said.json
ids=$(sed 's/.*"tokens":\[//; s/\].*//' said.json)
check generate_text_is_the_tokens bash -c '[ "$(sed "s/.*\"text\"://; s/}\$//" said.json)" = "$("$0" detokenize -m tiny --ids said.json)" ]' "$fotbench"
printf "$(tr ',' '\n' <<<"$ids" | xargs printf '\\x%02x')\n" >bytes.txt # an id is a byte
gen --text given.txt >plain.txt
check generate_text cmp plain.txt bytes.txt
gen --prompt 'int main' --json >prompt.json
check generate_prompt cmp prompt.json said.json
printf '[[256,105,110,116,32,109,97,105,110]]\n' >given.json
check generate_text_as_tokens test "$(gen --tokens given.json)" = "{\"sequence\":0,\"tokens\":[$ids]}"
check score_prompt bash -c '"$0" score -m tiny --prompt "int main" -o a.csv && "$0" score --model tiny --text given.txt --output b.csv && cmp a.csv b.csv' "$fotbench"
"$fotbench" score -m tiny --prompt 'int main' -o a.csv --json -q >a.json
check score_json bash -c 'grep -q "^{\"output\":\"a.csv\",\"n_sequences\":1,\"n_tokens_scored\":8,\"nll_nats\":[0-9.]*}$" a.json &&
	awk -F, -v all="$(sed "s/.*://; s/}//" a.json)" "NR > 1 { s += \$5 } END { exit !(s - all < 1e-9 && all - s < 1e-9) }" a.csv'
exits score_two_outputs 2 'expected --output FILE once' "$fotbench" score -m tiny --prompt a -o a.csv --out b.csv
exits score_no_output 2 'expected --output FILE once' "$fotbench" score -m tiny --prompt a
exits score_prompt_and_text 2 'one of --tokens FILE, --text FILE and --prompt TEXT' "$fotbench" score -m tiny --prompt a --text given.txt -o a.csv

printf 'Hello\n\ncaf\303\251 =1\n' >text.txt
check tokenize_lines bash -c '[ "$("$0" tokenize --model tiny --text text.txt)" = "[256,72,101,108,108,111]
[256]
[256,99,97,102,195,169,32,61,49]" ]' "$fotbench"
check tokenize_no_bos bash -c '[ "$("$0" tokenize --model byte --no-bos --text text.txt | head -n 1)" = "[72,101,108,108,111]" ]' "$fotbench"
check tokenize_text_as_a_document bash -c 'for f in lf.txt crlf.txt crlf.txt.gz; do [ "$("$0" tokenize -m tiny --text $f | xargs)" = "[256,72,101,108,108,111] [256,121,111,117]" ] || exit 1; done' "$fotbench"
printf '\357\273\277Hello' >bom.txt
check tokenize_has_the_ids_of_score bash -c '"$0" score -m tiny --text bom.txt -o bom.csv && [ "$("$0" tokenize -m tiny --text bom.txt)" = "[256,$(tail -n +2 bom.csv | cut -d, -f4 | paste -sd,)]" ]' "$fotbench"
exits tokenize_text_not_utf8 5 'latin1.txt: line 2, byte offset 4: invalid UTF-8' bash -c 'printf "abc\n\377" >latin1.txt; "$0" tokenize -m tiny --text latin1.txt' "$fotbench"
printf '{"text":"a\\nb"}\n{"text":""}\n' >records.jsonl
check tokenize_jsonl bash -c '[ "$("$0" tokenize --model tiny --jsonl --text records.jsonl | tr "\n" " ")" = "[256,97,10,98] [256] " ]' "$fotbench"
printf '{"text":"\357\273\277a\\r\\n"}\n' >exact.jsonl
check tokenize_jsonl_is_exact bash -c '[ "$("$0" tokenize -m tiny --jsonl --text exact.jsonl)" = "[256,239,187,191,97,13,10]" ]' "$fotbench"
check tokenize_round_trip bash -c '"$0" tokenize --model tiny --text text.txt >ids.txt && [ "$("$0" detokenize --model tiny --ids ids.txt | tr "\n" " ")" = "\"Hello\" \"\" \"café =1\" " ]' "$fotbench"
echo '{"txt":"a"}' >bad.jsonl
exits tokenize_bad_record 5 'line 1.*text' "$fotbench" tokenize --model tiny --jsonl --text bad.jsonl
printf '{"sequence":0,"tokens":[72,105]}\n[72]\n' >mixed.txt
check detokenize_both_forms bash -c '[ "$("$0" detokenize -m tiny --ids mixed.txt | tr "\n" " ")" = "\"Hi\" \"H\" " ]' "$fotbench"
echo '{"ids":[1]}' >wrong.txt
exits detokenize_wrong_form 5 'line 1.*expected a list of ids or .*got "\{.*ids' "$fotbench" detokenize -m tiny --ids wrong.txt
echo '[999]' >bad.txt
exits detokenize_bad_id 5 'line 1' "$fotbench" detokenize --model tiny --ids bad.txt
"$make_checkpoint" whole blocks=0 dtype=BF16 seed=9
"$make_checkpoint" parts blocks=0 dtype=BF16 seed=9 shards=3
"$fotbench" score --model whole --tokens forty.json --out whole.csv
"$fotbench" score --model parts --tokens forty.json --out parts.csv
check score_shards_agree cmp whole.csv parts.csv
