/* faiss_flat.cc: FAISS's flat index (exact inner products) on the keys and queries of tests/ann.c, one thread, in
 * seconds of the processor: rows of tests/bench/ann.sh. Nothing else needs it.
 *
 *   faiss_flat FILE ENTRIES K...
 */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include <faiss/IndexFlat.h>
#include <omp.h>

static const int times = 5; // of which the fastest counts

int main(int argc, char **argv)
{
	int64_t head[3], entries = argc > 2 ? atoll(argv[2]) : 0;
	FILE *f = argc > 3 ? fopen(argv[1], "rb") : nullptr;

	if (!f || fread(head, sizeof head, 1, f) != 1 || entries < 1 || entries > head[0]) {
		fprintf(stderr, "faiss_flat: expected FILE ENTRIES K...\n");
		return 1;
	}
	int64_t n = head[1], d = head[2];
	std::vector<float> k(entries * d), q(n * d);
	if (fread(k.data(), sizeof(float), k.size(), f) != k.size() ||
	    fseek(f, (long)(sizeof head + sizeof(float) * head[0] * d), SEEK_SET) != 0 ||
	    fread(q.data(), sizeof(float), q.size(), f) != q.size()) {
		fprintf(stderr, "faiss_flat: the file ends early\n");
		return 1;
	}
	fclose(f);
	omp_set_num_threads(1);
	clock_t began = clock();
	faiss::IndexFlatIP index(d);
	index.add(entries, k.data());
	double build = (double)(clock() - began) / CLOCKS_PER_SEC;
	for (int i = 3; i < argc; i++) {
		int64_t top = atoll(argv[i]);
		std::vector<float> score(n * top);
		std::vector<int64_t> found(n * top);
		double best = 1e30;

		for (int t = 0; t < times; t++) {
			began = clock();
			index.search(n, q.data(), top, score.data(), found.data());
			double took = (double)(clock() - began) / CLOCKS_PER_SEC;
			best = took < best ? took : best;
		}
		printf("%lld,%lld,%lld,\"faiss flat:%lld\",%.2f,%zu,%.2f,,,,\n", (long long)entries, (long long)n,
		       (long long)d, (long long)top, build, k.size() * sizeof(float), best / (double)n * 1e6);
	}
	return 0;
}
