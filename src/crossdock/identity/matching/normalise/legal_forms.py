"""Legal forms of some twenty countries, each led to a code that says what kind of company it is."""

_FORMS = {
    "limited": """
        gmbh, ges mbh, gesellschaft mit beschrankter haftung, mbh, ggmbh, ug, ug haftungsbeschrankt,
        unternehmergesellschaft, ltd, limited, pvt ltd, private limited, pte ltd, pty ltd, pty limited,
        co ltd, company limited, ltda, llc, l l c, pllc, limited liability company, sarl, s a r l, sas,
        sasu, eurl, societe par actions simplifiee, societe a responsabilite limitee, srl, s r l, srls,
        s r l s, societa a responsabilita limitata, sl, s l, slu, s l u, sociedad limitada,
        sociedad de responsabilidad limitada, s de rl de cv, lda, limitada, bv, b v, besloten vennootschap,
        bvba, sprl, aps, anpartsselskab, oy, osakeyhtio, ab, aktiebolag, sp z o o, sp zoo,
        spolka z ograniczona odpowiedzialnoscia, sro, s r o, spol s r o, kft, d o o, doo, ooo, tov, ou, sia,
        uab, eood, ood, sdn bhd
    """,
    "stock": """
        ag, aktiengesellschaft, plc, public limited company, inc, incorporated, corp, corporation, sa, s a,
        societe anonyme, sociedad anonima, sau, sa de cv, spa, s p a, societa per azioni, nv, n v,
        naamloze vennootschap, asa, oyj, abp, publ, se, societas europaea, a s, as, aksjeselskap,
        aktieselskab, s a e, zrt, nyrt, pao, zao, oao, kk, kabushiki kaisha, kgaa, bhd, s a s di
    """,
    "partnership": """
        kg, kommanditgesellschaft, gmbh co kg, gmbh und co kg, ag co kg, ug co kg, ohg,
        offene handelsgesellschaft, gbr, llp, lp, limited partnership, limited liability partnership,
        partnership, snc, s n c, sas di, societa in nome collettivo, scs, sca, vof, cv, maatschap, hb, kb,
        k s, i s, ans, da, sp k, sp j, scop, sci, partg, partgmbb
    """,
    "sole": """
        e k, ek, e kfm, e kfr, eingetragener kaufmann, einzelunternehmen, ei, eirl, auto entrepreneur, dba,
        sole trader, eenmanszaak, enskild firma, ditta individuale, autonomo
    """,
    "cooperative": """
        eg, e g, genossenschaft, coop, cooperative, societe cooperative, s coop, soc coop, cooperativa,
        andelsselskab, osk, u a
    """,
    "association": """
        e v, ev, eingetragener verein, verein, association, asbl, vzw, stichting, stiftung, fondation,
        foundation, fundacion, fondazione, trust, charity, cic, onlus
    """,
}
_WORDS = frozenset({"company", "co", "cie", "group", "gruppe", "groupe", "the", "und", "and", "et", "y"})


def codes() -> dict[tuple[str, ...], str]:
    """Each form as its words to its code."""
    return {tuple(form.split()): code for code, forms in _FORMS.items() for form in forms.split(",")}


CODES = codes()
WORDS_MAX = max(map(len, CODES))
FILLERS = _WORDS
