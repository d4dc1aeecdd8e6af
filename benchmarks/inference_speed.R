# The R side of inference_speed.py: reads one command per line, answers each with one line of
# tab-separated fields after "=>". Times are seconds of the processor per call.

suppressMessages({library(lme4); library(lmerTest); library(pbkrtest)})

answer <- function(...) {
  cat("=>", paste(..., sep = "\t"), "\n", sep = "\t")
  flush(stdout())
}

used <- function() sum(proc.time()[c("user.self", "sys.self")])

timed <- function(calls, work) {
  gc()
  start <- used()
  for (i in seq_len(calls)) work()
  (used() - start) / calls
}

table_of <- list(
  # The Hessian and the derivatives are made when the fit becomes lmerTest's.
  "satterthwaite" = function() coef(summary(as_lmerModLmerTest(fit))),
  "kenward-roger" = function() coef(summary(tested, ddf = "Kenward-Roger")),
  "profile" = function() curves <<- profile(fit, signames = FALSE),
  # A tenth of the thousand draws that ours makes.
  "bootstrap" = function() bootMer(fit, function(f) c(fixef(f), getME(f, "theta"), sigma(f)), 100)
)

commands <- file("stdin", open = "r")
while (length(line <- readLines(commands, n = 1L)) > 0L) {
  words <- strsplit(line, "\t", fixed = TRUE)[[1]]
  value <- suppressMessages(suppressWarnings(switch(words[1],
    about = paste(paste0(R.version$major, ".", R.version$minor), packageVersion("lme4"),
                  packageVersion("lmerTest"), packageVersion("pbkrtest"), sessionInfo()$BLAS,
                  sep = "\t"),
    load = {
      data <- read.csv(words[3])
      for (name in strsplit(words[4], " ", fixed = TRUE)[[1]]) data[[name]] <- factor(data[[name]])
      if (length(words) > 4L) {
        fit <- lme4::glmer(as.formula(words[2]), data, family = words[5])
      } else {
        fit <- lme4::lmer(as.formula(words[2]), data)
        tested <- as_lmerModLmerTest(fit)
      }
      "loaded"
    },
    time = timed(as.integer(words[3]), table_of[[words[2]]]),
    # Rows of variances first, those of coefficients in the order of the model.
    ends = paste(format(t(confint(curves)[names(fixef(fit)), ]), digits = 10), collapse = " "),
    df = paste(format(table_of[[words[2]]]()[, "df"], digits = 10), collapse = " ")
  )))
  answer(value)
}
