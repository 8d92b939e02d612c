"""The literature that a methods paragraph may cite, and the list of what it did cite."""

from __future__ import annotations

import re

# By what a passage says, in the order of the list.
_KNOWN = {
    "Agarwal et al. 2021": (
        "Agarwal R, Schwarzer M, Castro PS, Courville A, Bellemare MG (2021). Deep reinforcement learning "
        "at the edge of the statistical precipice. Advances in Neural Information Processing Systems 34."
    ),
    "Bakdash & Marusich 2017": (
        "Bakdash JZ, Marusich LR (2017). Repeated measures correlation. Frontiers in Psychology 8, 456."
    ),
    "Benavoli et al. 2017": (
        "Benavoli A, Corani G, Demšar J, Zaffalon M (2017). Time for a change: a tutorial for comparing "
        "multiple classifiers through Bayesian analysis. Journal of Machine Learning Research 18(77), 1–36."
    ),
    "Benavoli et al. 2016": (
        "Benavoli A, Corani G, Mangili F (2016). Should we really use post-hoc tests based on mean-ranks? "
        "Journal of Machine Learning Research 17(5), 1–10."
    ),
    "Benjamini & Hochberg 1995": (
        "Benjamini Y, Hochberg Y (1995). Controlling the false discovery rate: a practical and powerful "
        "approach to multiple testing. Journal of the Royal Statistical Society B 57, 289–300."
    ),
    "Cameron, Gelbach & Miller 2011": (
        "Cameron AC, Gelbach JB, Miller DL (2011). Robust inference with multiway clustering. Journal of "
        "Business & Economic Statistics 29, 238–249."
    ),
    "Davison & Hinkley 1997": (
        "Davison AC, Hinkley DV (1997). Bootstrap methods and their application. Cambridge University Press."
    ),
    "Demšar 2006": (
        "Demšar J (2006). Statistical comparisons of classifiers over multiple data sets. Journal of "
        "Machine Learning Research 7, 1–30."
    ),
    "Fisher 1935": ("Fisher RA (1935). The design of experiments. Oliver & Boyd."),
    "Friedman 1937": (
        "Friedman M (1937). The use of ranks to avoid the assumption of normality implicit in the analysis "
        "of variance. Journal of the American Statistical Association 32, 675–701."
    ),
    "Greenhouse & Geisser 1959": (
        "Greenhouse SW, Geisser S (1959). On methods in the analysis of profile data. Psychometrika 24, "
        "95–112."
    ),
    "Hartigan 1969": (
        "Hartigan JA (1969). Using subsample values as typical values. Journal of the American Statistical "
        "Association 64, 1303–1317."
    ),
    "Hodges & Lehmann 1963": (
        "Hodges JL, Lehmann EL (1963). Estimates of location based on rank tests. Annals of Mathematical "
        "Statistics 34, 598–611."
    ),
    "Hoeffding 1952": (
        "Hoeffding W (1952). The large-sample power of tests based on permutations of observations. Annals "
        "of Mathematical Statistics 23, 169–192."
    ),
    "Holm 1979": (
        "Holm S (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of "
        "Statistics 6, 65–70."
    ),
    "Hsu 1984": (
        "Hsu JC (1984). Constrained simultaneous confidence intervals for multiple comparisons with the "
        "best. Annals of Statistics 12, 1136–1144."
    ),
    "Iman & Davenport 1980": (
        "Iman RL, Davenport JM (1980). Approximations of the critical region of the Friedman statistic. "
        "Communications in Statistics A 9, 571–595."
    ),
    "Laird & Ware 1982": (
        "Laird NM, Ware JH (1982). Random-effects models for longitudinal data. Biometrics 38, 963–974."
    ),
    "Lan & DeMets 1983": (
        "Lan KKG, DeMets DL (1983). Discrete sequential boundaries for clinical trials. Biometrika 70, "
        "659–663."
    ),
    "Li et al. 2020": (
        "Li L, Jamieson K, Rostamizadeh A, Gonina E, Ben-tzur J, Hardt M, Recht B, Talwalkar A (2020). A "
        "system for massively parallel hyperparameter tuning. Proceedings of Machine Learning and Systems "
        "2, 230–246."
    ),
    "Manski 1990": (
        "Manski CF (1990). Nonparametric bounds on treatment effects. American Economic Review 80, 319–323."
    ),
    "Nadeau & Bengio 2003": (
        "Nadeau C, Bengio Y (2003). Inference for the generalization error. Machine Learning 52, 239–281."
    ),
    "Naeini et al. 2015": (
        "Naeini MP, Cooper GF, Hauskrecht M (2015). Obtaining well calibrated probabilities using Bayesian "
        "binning. Proceedings of the AAAI Conference on Artificial Intelligence 29, 2901–2907."
    ),
    "Nemenyi 1963": (
        "Nemenyi PB (1963). Distribution-free multiple comparisons. PhD thesis, Princeton University."
    ),
    "Fleming 1979": (
        "O'Brien PC, Fleming TR (1979). A multiple testing procedure for clinical trials. Biometrics 35, "
        "549–556."
    ),
    "Owen 2007": ("Owen AB (2007). The pigeonhole bootstrap. Annals of Applied Statistics 1, 386–411."),
    "Patterson & Thompson 1971": (
        "Patterson HD, Thompson R (1971). Recovery of inter-block information when block sizes are unequal. "
        "Biometrika 58, 545–554."
    ),
    "Phipson & Smyth 2010": (
        "Phipson B, Smyth GK (2010). Permutation P-values should never be zero: calculating exact P-values "
        "when permutations are randomly drawn. Statistical Applications in Genetics and Molecular Biology "
        "9, 39."
    ),
    "Pratt 1959": (
        "Pratt JW (1959). Remarks on zeros and ties in the Wilcoxon signed rank procedures. Journal of the "
        "American Statistical Association 54, 655–667."
    ),
    "Schuirmann 1987": (
        "Schuirmann DJ (1987). A comparison of the two one-sided tests procedure and the power approach for "
        "assessing the equivalence of average bioavailability. Journal of Pharmacokinetics and "
        "Biopharmaceutics 15, 657–680."
    ),
    "Fouladi 1997": (
        "Steiger JH, Fouladi RT (1997). Noncentrality interval estimation and the evaluation of statistical "
        "models. In: Harlow LL, Mulaik SA, Steiger JH (eds.), What if there were no significance tests? "
        "Erlbaum, 221–257."
    ),
    "Student 1908": ("Student (1908). The probable error of a mean. Biometrika 6, 1–25."),
    "van der Maaten & Hinton 2008": (
        "van der Maaten L, Hinton G (2008). Visualizing data using t-SNE. Journal of Machine Learning "
        "Research 9, 2579–2605."
    ),
    "Watanabe, Bansal & Hutter 2023": (
        "Watanabe S, Bansal A, Hutter F (2023). PED-ANOVA: efficiently quantifying hyperparameter "
        "importance in arbitrary subspaces. Proceedings of the International Joint Conference on Artificial "
        "Intelligence 32, 4389–4396."
    ),
    "Welch 1947": (
        "Welch BL (1947). The generalization of ‘Student's’ problem when several different population "
        "variances are involved. Biometrika 34, 28–35."
    ),
    "Wilcoxon 1945": (
        "Wilcoxon F (1945). Individual comparisons by ranking methods. Biometrics Bulletin 1, 80–83."
    ),
    "Wilson 1927": (
        "Wilson EB (1927). Probable inference, the law of succession, and statistical inference. Journal of "
        "the American Statistical Association 22, 209–212."
    ),
}


def cited(*passages: str) -> list[str]:
    """Return the references that passages cite as ``name year``, by name; the same in every language."""
    said = re.sub(r", (\d{4})\b", r" \1", " ".join(passages))
    return [full for short, full in _KNOWN.items() if short in said]
