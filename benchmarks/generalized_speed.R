# R's side of generalized_speed.py: reads one command per line, answers each with one line of
# tab-separated fields after "=>". Times are seconds of the processor per call.

suppressMessages(library(lme4))
has_tmb <- suppressWarnings(suppressMessages(require(glmmTMB, quietly = TRUE)))

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

# What glmer does after glFormula, with its defaults.
finish <- function(parts) {
  control <- glmerControl()
  devfun <- do.call(mkGlmerDevfun, c(parts, list(verbose = 0L, control = control, nAGQ = 0L)))
  opt <- optimizeGlmer(devfun, optimizer = control$optimizer[[1]], restart_edge = FALSE,
                       boundary.tol = 0, control = control$optCtrl, start = NULL, nAGQ = 0,
                       verbose = 0L, calc.derivs = FALSE)
  devfun <- updateGlmerDevfun(devfun, parts$reTrms, nAGQ = nodes)
  start <- lme4:::updateStart(NULL, theta = opt$par)
  opt <- optimizeGlmer(devfun, optimizer = control$optimizer[[2]],
                       restart_edge = control$restart_edge, boundary.tol = control$boundary.tol,
                       control = control$optCtrl, start = start, nAGQ = nodes, verbose = 0L,
                       stage = 2, calc.derivs = control$calc.derivs,
                       use.last.params = control$use.last.params)
  lme4conv <- checkConv(attr(opt, "derivs"), opt$par, ctrl = control$checkConv,
                        lbound = environment(devfun)$lower)
  fit <- mkMerMod(environment(devfun), opt, parts$reTrms, fr = parts$fr, mc = quote(glmer()),
                  lme4conv = lme4conv)
  vcov(fit)
  fit
}

work <- list(
  glmer_call = function(calls) timed(calls, function(i) {
    glmer_fit <<- glmer(formula, data, family = family, nAGQ = nodes)
    vcov(glmer_fit)
  }),
  glmer_design = function(calls) {
    # The factor Lambda in the parts is overwritten by a fit: each fit gets its own.
    parts <- lapply(seq_len(calls), function(i) {
      made <- glFormula(formula, data, family = family)
      made$formula <- NULL
      made
    })
    timed(calls, function(i) glmer_fit <<- finish(parts[[i]]))
  },
  glmmTMB_call = function(calls) timed(calls, function(i) {
    tmb_fit <<- glmmTMB(formula, data, family = family)
    vcov(tmb_fit)
  }),
  # What glmmTMB does after its model frame, matrices and random-effects structures are made.
  glmmTMB_design = function(calls) {
    parts <- glmmTMB(formula, data, family = family, doFit = FALSE)
    timed(calls, function(i) {
      tmb_fit <<- fitTMB(parts)
      vcov(tmb_fit)
    })
  }
)

# With quadrature lme4 leaves the saturated likelihood out.
glmer_criterion <- function() {
  resp <- glmer_fit@resp
  saturated <- if (nodes > 1L) resp$family$aic(resp$y, resp$n, resp$y, resp$weights, 0) else 0
  -2 * as.numeric(logLik(glmer_fit)) + saturated
}

commands <- file("stdin", open = "r")
while (length(line <- readLines(commands, n = 1L)) > 0L) {
  words <- strsplit(line, "\t", fixed = TRUE)[[1]]
  value <- suppressMessages(suppressWarnings(switch(words[1],
    about = paste(paste0(R.version$major, ".", R.version$minor), packageVersion("lme4"),
                  if (has_tmb) as.character(packageVersion("glmmTMB")) else "", sessionInfo()$BLAS,
                  sep = "\t"),
    load = {
      formula <- as.formula(words[2])
      data <- read.csv(words[3])
      # Factors are made before the clock runs: R would make them on every call.
      for (name in strsplit(words[4], " ", fixed = TRUE)[[1]]) data[[name]] <- factor(data[[name]])
      family <- match.fun(words[5])()
      nodes <- as.integer(words[6])
      "loaded"
    },
    glmer_outcome = paste(sprintf("%.10f", glmer_criterion()), glmer_fit@optinfo$feval, sep = "\t"),
    glmmTMB_outcome = paste(sprintf("%.10f", -2 * as.numeric(logLik(tmb_fit))),
                            tmb_fit$fit$evaluations[["function"]], sep = "\t"),
    work[[words[1]]](as.integer(words[2]))
  )))
  answer(value)
}
