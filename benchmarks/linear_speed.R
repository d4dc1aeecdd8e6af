# lme4's side of linear_speed.py: reads one command per line, answers each with one line of
# tab-separated fields after "=>". Times are seconds of the processor per call.

suppressMessages(library(lme4))

answer <- function(...) {
  cat("=>", paste(..., sep = "\t"), "\n", sep = "\t")
  flush(stdout())
}

used <- function() sum(proc.time()[c("user.self", "sys.self")])

timed <- function(calls, work) {
  gc()
  start <- used()
  for (i in seq_len(calls)) work(i)
  (used() - start) / calls
}

# What lmer does after lFormula, with its defaults.
finish <- function(parts) {
  control <- lmerControl()
  devfun <- do.call(mkLmerDevfun, c(parts, list(start = NULL, verbose = 0L, control = control)))
  opt <- optimizeLmer(devfun, optimizer = control$optimizer, restart_edge = control$restart_edge,
                      boundary.tol = control$boundary.tol, control = control$optCtrl,
                      calc.derivs = control$calc.derivs,
                      use.last.params = control$use.last.params)
  checkConv(attr(opt, "derivs"), opt$par, ctrl = control$checkConv,
            lbound = environment(devfun)$lower)
  mkMerMod(environment(devfun), opt, parts$reTrms, fr = parts$fr)
}

design <- function(calls) {
  # The factor Lambda in the parts is overwritten by a fit: each fit gets its own.
  parts <- lapply(seq_len(calls), function(i) {
    made <- lFormula(formula, data)
    made$formula <- NULL
    made
  })
  timed(calls, function(i) finish(parts[[i]]))
}

commands <- file("stdin", open = "r")
while (length(line <- readLines(commands, n = 1L)) > 0L) {
  words <- strsplit(line, "\t", fixed = TRUE)[[1]]
  value <- suppressMessages(suppressWarnings(switch(words[1],
    about = {
      blas <- sessionInfo()$BLAS
      paste(paste0(R.version$major, ".", R.version$minor), packageVersion("lme4"), blas, sep = "\t")
    },
    load = {
      formula <- as.formula(words[2])
      data <- read.csv(words[3])
      # Factors are made before the clock runs: lme4 would make them on every call.
      for (name in strsplit(words[4], " ", fixed = TRUE)[[1]]) data[[name]] <- factor(data[[name]])
      responses <- if (length(words) > 4L) as.list(read.csv(words[5])) else list()
      fit <- NULL
      "loaded"
    },
    call = timed(as.integer(words[2]), function(i) fit <<- lmer(formula, data)),
    design = design(as.integer(words[2])),
    refit = timed(as.integer(words[2]), function(i) {
      refit(fit, responses[[(i - 1L) %% length(responses) + 1L]])
    }),
    outcome = paste(sprintf("%.10f", REMLcrit(fit)), fit@optinfo$feval, sep = "\t")
  )))
  answer(value)
}
