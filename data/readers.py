"""Which adapter reads which source."""

from collections.abc import Mapping

from stancewire.data.adapters import (
    argkp,
    basil,
    cad_nli,
    dse,
    fever,
    gwsd,
    ibm_argq,
    ibm_claims,
    lingnli,
    mtsd,
    negnli,
    newsmtsc,
    nli_mix,
    perspectrum,
    polstance,
    pstance,
    rusentne,
    semeval2016,
    sentfin,
    us_briefings,
    valueeval,
    vast,
    xnli,
)
from stancewire.data.adapters.reading import Reader

READERS: Mapping[str, Reader] = {
    "argkp": argkp.read,
    "basil": basil.read,
    "cad-nli": cad_nli.read,
    "dse": dse.read,
    "dse-official": dse.read_official,
    "fever": fever.read,
    "gwsd": gwsd.read,
    "ibm-argq": ibm_argq.read,
    "ibm-claims": ibm_claims.read,
    "lingnli": lingnli.read,
    "mtsd": mtsd.read,
    "negnli": negnli.read,
    "newsmtsc": newsmtsc.read,
    "newsmtsc-official": newsmtsc.read_official,
    "nli-mix": nli_mix.read,
    "perspectrum": perspectrum.read,
    "polstance": polstance.read,
    "pstance": pstance.read,
    "rusentne": rusentne.read,
    "semeval2016": semeval2016.read,
    "sentfin": sentfin.read,
    "us-briefings": us_briefings.read,
    "valueeval": valueeval.read,
    "vast": vast.read,
    "xnli": xnli.read,
}
"""Name of a source, or of a variant ("dse-official"), → its adapter."""
