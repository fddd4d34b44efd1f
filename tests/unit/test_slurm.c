/* What is handed to Slurm, and what is read from it; the text door of the shell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/quote.h"
#include "datasets/process.h"
#include "harness/cluster/slurm.h"

static void test_slurm_quotes_every_byte_for_sh(void **state)
{
	char every[256];
	struct fot_str word = FOT_STR_INIT, out = FOT_STR_INIT, line = FOT_STR_INIT;
	const char *argv[] = { "sh", "-c", NULL, NULL };

	(void)state;
	for (int i = 1; i < 256; i++)
		every[i - 1] = (char)i;
	every[255] = '\0';
	fot_quote_shell(&word, every);
	fot_str_printf(&line, "printf %%s %s", word.data);
	argv[2] = line.data;
	assert_int_equal(fot_process_read(&out, argv, NULL, NULL), FOT_OK);
	assert_string_equal(out.data, every);
	fot_str_release(&word);
	fot_str_release(&out);
	fot_str_release(&line);
}

static void test_slurm_plain_words_stay_bare(void **state)
{
	static const char *const text[][2] = { { "a/b-c_1.json", "a/b-c_1.json" },
					       { "", "''" },
					       { "it's", "'it'\\''s'" },
					       { "a b", "'a b'" },
					       { "$(x)", "'$(x)'" },
					       { "~", "'~'" } };

	(void)state;
	for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
		struct fot_str out = FOT_STR_INIT;

		fot_quote_shell(&out, text[i][0]);
		assert_string_equal(out.data, text[i][1]);
		fot_str_release(&out);
	}
}

static void test_slurm_process_keeps_what_a_failing_program_printed(void **state)
{
	const char *const argv[] = { "sh", "-c", "echo out; echo wrong >&2; exit 3", NULL };
	struct fot_str out = FOT_STR_INIT;
	struct fot_err err = { 0 };

	(void)state;
	assert_int_equal(fot_process_read(&out, argv, NULL, &err), FOT_ERR_RUN);
	assert_string_equal(out.data, "out\n");
	assert_non_null(strstr(err.text, "exit status 3: wrong"));
	fot_str_release(&out);
}

static void test_slurm_ranges(void **state)
{
	static const bool wanted[] = { true, true, true, false, false, true, false, true, true };
	struct fot_str out = FOT_STR_INIT;

	(void)state;
	fot_slurm_ranges(&out, wanted, 9);
	assert_string_equal(out.data, "1-3,6,8-9");
	fot_str_clear(&out);
	fot_slurm_ranges(&out, wanted + 3, 2);
	assert_int_equal(out.len, 0);
	fot_str_release(&out);
}

static void test_slurm_options_are_plain(void **state)
{
	static const char *const good[] = { "account=proj",       "exclusive",       "gres=gpu:1",
					    "constraint=[a|b]&c", "nodelist=n[1-4]", "mail-user=a@b.c" };
	static const char *const bad[] = {
		"array=1-9",   "output=x", "mem=3G",      "uid=0 --x", "comment=a b",
		"comment='a'", "qos=a\nb", "--account=x", "-A",        "x",
		"a=%j",        "a=$x",     "a=b#c",       "",          "=x"
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_int_equal(fot_slurm_option_check(good[i], NULL), FOT_OK);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(fot_slurm_option_check(bad[i], NULL), FOT_ERR_USAGE);
}

static void test_slurm_values_have_the_forms_of_sbatch(void **state)
{
	static const char *const times[] = { "90", "0", "90:30", "1:30:00", "1-12", "1-12:30", "1-12:30:00" };
	static const char *const no_times[] = { "",     "x",      "1h",     ":30",    "1:",        "1:2:3:4",
						"1-",   "-1",     "1-2-3",  "1 0",    "1-1:1:1:1", "1:30\n",
						"1.5",  "+5",     "12345678901" };
	static const char *const sizes[] = { "500", "500M", "3G", "3g", "1T", "2048K" };
	static const char *const no_sizes[] = { "", "x", "G", "3 G", "3GB", "-3G", "1.5G", "3P", "3G\n" };

	(void)state;
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
		assert_int_equal(fot_slurm_time_check(times[i], NULL), FOT_OK);
	for (size_t i = 0; i < sizeof no_times / sizeof no_times[0]; i++)
		assert_int_equal(fot_slurm_time_check(no_times[i], NULL), FOT_ERR_USAGE);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		assert_int_equal(fot_slurm_memory_check(sizes[i], NULL), FOT_OK);
	for (size_t i = 0; i < sizeof no_sizes / sizeof no_sizes[0]; i++)
		assert_int_equal(fot_slurm_memory_check(no_sizes[i], NULL), FOT_ERR_USAGE);
	assert_int_equal(fot_slurm_partition_check("long,gpu-1", NULL), FOT_OK);
	assert_int_equal(fot_slurm_partition_check("a b", NULL), FOT_ERR_USAGE);
	assert_int_equal(fot_slurm_partition_check("", NULL), FOT_ERR_USAGE);
	assert_int_equal(fot_slurm_time_check(NULL, NULL), FOT_OK);
	assert_int_equal(fot_slurm_memory_check(NULL, NULL), FOT_OK);
	assert_int_equal(fot_slurm_partition_check(NULL, NULL), FOT_OK);
}

static void test_slurm_reads_the_queue(void **state)
{
	static const char text[] =
		"12_3|RUNNING|None\n12_4|PENDING|BeginTime\n12_[5-8]|PENDING|Priority\n13|PENDING|Dependency\n"
		"12_9|CANCELLED by 1000|0:0\nrubbish\n12_3|COMPLETING|None";
	struct fot_slurm_tasks t = { 0 };

	(void)state;
	assert_int_equal(fot_slurm_parse(&t, text, NULL), FOT_OK);
	assert_int_equal(t.n, 5);
	assert_string_equal(fot_slurm_task(&t, 3)->state, "COMPLETING");
	assert_string_equal(fot_slurm_task(&t, 4)->reason, "BeginTime");
	assert_string_equal(fot_slurm_task(&t, 9)->state, "CANCELLED");
	assert_string_equal(fot_slurm_task(&t, -1)->id, "13");
	assert_null(fot_slurm_task(&t, 5));
	fot_slurm_tasks_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slurm_quotes_every_byte_for_sh),
		cmocka_unit_test(test_slurm_plain_words_stay_bare),
		cmocka_unit_test(test_slurm_process_keeps_what_a_failing_program_printed),
		cmocka_unit_test(test_slurm_ranges),
		cmocka_unit_test(test_slurm_options_are_plain),
		cmocka_unit_test(test_slurm_values_have_the_forms_of_sbatch),
		cmocka_unit_test(test_slurm_reads_the_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
