# Reads a folder of `fotbench export` with base R.
#
#     Rscript docs/examples/read_runs.R EXPORT
#
# Prints perplexity by length and condition, and accuracies with the number of their items.
folder <- commandArgs(trailingOnly = TRUE)[1]

read <- function(name) {
  path <- file.path(folder, paste0(name, ".csv"))
  if (!file.exists(path)) return(NULL)
  rows <- read.csv(path, na.strings = "", encoding = "UTF-8", check.names = FALSE,
                   colClasses = c(model_variant = "character", memory = "character", run = "character"))
  # what a spreadsheet would take for a formula has a quote mark in front
  for (column in names(rows)[sapply(rows, is.character)])
    rows[[column]] <- sub("^'('*[=+@-])", "\\1", rows[[column]])
  rows$memory <- ifelse(is.na(rows$memory), rows$memory_mode, rows$memory)
  rows[rows$status == "ok", ]
}

show <- function(name, rows, total, n, value) {
  if (is.null(rows)) return(invisible())
  where <- c("run", "dataset", "model_variant", "memory", "context_length")
  sums <- aggregate(data.frame(total = total(rows), n = n(rows)), by = rows[where], FUN = sum)
  sums <- sums[do.call(order, c(unname(as.list(sums[where])), method = "radix")), ]
  for (i in seq_len(nrow(sums)))
    cat(name, sapply(sums[i, where], as.character), sprintf("%.4f", value(sums$total[i], sums$n[i])), sums$n[i], "\n")
}

show("passkey", read("passkey"), function(r) r$exact_match, function(r) rep(1, nrow(r)), function(total, n) total / n)
show("perplexity", read("perplexity"), function(r) r$nll_nats, function(r) r$n_tokens_scored,
     function(total, n) exp(total / n))
