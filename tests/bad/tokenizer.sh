#!/usr/bin/env bash
# Tokenizer files that are none, or bad ones, and bad token ids, by the rows of the table in README.md.
. "$(dirname "$0")/../cli/common.bash"
zoo=$root/model/zoo/bpe-2k/tokenizer.model
echo Hello >hello.txt
refuses() { exits "$1" 5 "$2" "$fotbench" tokenize --model t.model --text hello.txt; }
# with BYTES...: the zoo's model with these bytes (printf's escapes) behind it
with() { { cat "$zoo" && printf "$1"; } >t.model; }

exits bad_38_missing 5 'nowhere.model: no such model; looked for it as well at' "$fotbench" tokenize --model nowhere.model --text hello.txt
: >t.model && refuses bad_38_empty 't.model: the file is empty'
head -c 20000 "$zoo" >t.model && refuses bad_38_cut 't.model: offset [0-9]+: expected [0-9]+ (more )?bytes|t.model: .*(cut short|no trainer|expected)'
echo '<html>404</html>' >t.model && refuses bad_38_page 't.model: this is an HTML'
printf 'version https://git-lfs.github.com/spec/v1\n' >t.model && refuses bad_38_pointer 't.model: this is a git-LFS pointer'
with '\200\200\200\200\200\200\200\200\200\200\1' && refuses bad_39_varint_of_11_bytes 'offset [0-9]+: a number is longer than 64 bits'
with '\12\5abc' && refuses bad_39_length 'expected 5 more bytes, the message has 3'
with '\13' && refuses bad_39_group 'wire type 3'
with '\12\2\12\0' && refuses bad_40_empty_piece 'piece [0-9]+: .*0'
with '\12\5\12\3a\0b' && refuses bad_40_nul 'piece [0-9]+: .*NUL'
with '\12\4\12\2\377\376' && refuses bad_40_no_utf8 'piece [0-9]+: .*UTF-8'
{ cat "$zoo" && printf '\12\244\215\6\12\240\215\6' && head -c 100000 /dev/zero | tr '\0' a; } >t.model && refuses bad_40_100_kb 'piece [0-9]+: .*1024.*100000'
with '\12\7\12\5<unk>' && refuses bad_41_same_piece_twice 'pieces 0 and [0-9]+ are both "<unk>"'
with '\12\12\12\3qzq\25\0\0\300\177' && refuses bad_41_score 'piece [0-9]+: .*(finite|NaN|nan)'
with '\12\12\12\6<0x-1>\30\6' && refuses bad_42_byte 'expected a byte <0x00> to <0xFF>, got "<0x-1>"'
with '\12\12\12\6<0xGG>\30\6' && refuses bad_42_hex 'expected a byte <0x00> to <0xFF>, got "<0xGG>"'
with '\32\4\22\2ab' && refuses bad_43_charsmap 'expected no precompiled_charsmap and no rules, got 2 and 0 bytes'
"$make_checkpoint" tiny || exit 1
echo '[[1,2],[3,258]]' >ids.json
exits bad_44_id 5 'sequence 1, token 1: ids.json: expected an integer from 0 to 257, got 258' "$fotbench" score -m tiny --tokens ids.json --out x.csv
# A vocabulary that squeezes spaces cannot give a text back.
"$make_checkpoint" squeezing tokenizer=spm vocab=2048
{ cat "$zoo" && printf '\32\2\40\1'; } >squeezing/tokenizer.model
prints bad_45_round_trip 'warning: the tokenizer does not give text back unchanged' "$fotbench" inspect squeezing
prints bad_45_round_trip_of_the_zoo 'comes back unchanged' "$fotbench" inspect "$root/model/zoo/lm-fot"
