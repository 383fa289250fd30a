"""The words of a yes and a no, by language, in normalised spelling; for `consent.py`. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """Of one language. `yes`, `no`: phrases that are one by themselves. `beside`: may stand with either and say
    nothing. `more`: what begins a further wish behind a yes. `against`: takes a yes back wherever it stands. `empty`:
    says nothing at all, beside the backchannels. `it`: words for what was asked about. `asks`: how a question begins.
    `offers`: what stands before the thing that was asked about. `undoes`: takes it back behind "and". `aside`: how a
    question about something else begins, behind a yes and a mark; not with words `of_it`. Behind "yes, and" words
    `of_it` and those that `points` lists, also by their `endings`, are about the thing, and what begins with one of
    `parts` is a part of it: "and please with a lock"; words `of_it_only` speak of it and change nothing. `makes`: verbs
    of which one may be said for another, "book it" for "shall I order". `lone`: of `yes`, the words that mean nothing
    else.
    """

    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    it: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    undoes: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()
    of_it: tuple[str, ...] = ()
    of_it_only: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    lone: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()


def _listed(text: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in text.split(","))


WORDS = {
    "en": Words(
        yes=_listed("""
            yes, yeah, yep, yup, yea, yes sir, yes ma'am, sure, sure thing, absolutely, definitely,
            certainly, of course, correct, affirmative, exactly, agreed, confirmed, confirm, i confirm, i
            confirm that, i agree, i am sure, i do, i would, i would like that, i want that, i want to, i
            would like to, that is right, that is correct, that is fine, that is okay, that is good, that is
            great, that is perfect, that is it, that would be great, that would be good, that would be fine,
            that would be nice, that would be perfect, that works, that works for me, works for me, sounds
            good, that sounds good, sounds great, that sounds great, sounds right, it is right, it is
            correct, go ahead, go ahead and do it, go ahead and do that, go for it, do it, do that, do so,
            please do, please do it, please do that, you can, you may, you can do that, let us do it, let us
            do that, yes please, by all means, why not, that is all right"""),
        no=_listed("""
            no, nope, nah, no way, negative, never, never mind, nevermind, do not, do not do it, do not do
            that, please do not, i do not, i do not want that, i do not want to, i would not, stop, stop it,
            wait, wait a minute, hold on, not now, not yet, not really, not today, rather not, i would
            rather not, i had rather not, absolutely not, definitely not, certainly not, of course not,
            forget it, forget about it, leave it, leave it be, leave it as it is, i changed my mind, i have
            changed my mind, that is wrong, that is not right, that is not correct, that is incorrect, it is
            wrong, wrong, incorrect, not correct, no thanks, no thank you, do nothing, please stop, i said
            no, not that"""),
        beside=_listed("""
            please, thanks, thank you, thank you very much, thanks a lot, sir, madam, ma'am, then, now,
            well, so, oh, um, uh, er, hmm, ah, okay, alright, all right, great, good, fine, perfect, sorry, i said, i
            think"""),
        more=_listed("""
            and also, also, and then, plus, and please, and can, and could, and what, and when, and where,
            and how, and who, and is, and are, and do you, and does, and will, and would you, and tell me,
            and i also, and one more thing"""),
        against=_listed("""
            but, after all, second thought, second thoughts, except, however, unless, if, only, although,
            though, not, no, nope, never, do not, does not, did not, cannot, would not, should not, wait,
            hold on, stop, instead, actually, rather, make it, change, changed, maybe, perhaps, probably,
            possibly, before, first, depends, question, wrong, later, i guess, i suppose, i do not know, not
            sure, let me think, or"""),
        empty=_listed("""
            um, uh, er, hmm, well, so, oh, ah, like, you know, let me see, hello, fine, good, great,
            perfect, thanks, thank you, please, i see, and, i think, sorry, right, nice"""),
        it=_listed("it, that, this, them, one, me, for, the, please, in"),
        asks=_listed("""
            what, which, how, when, where, who, why, is, are, was, do, does, did, can, could, will, would,
            should, have, has, am"""),
        offers=_listed("""
            shall i, should i, may i, can i, do you want me to, would you like me to, is it right that i, do
            i, i will"""),
        undoes=_listed("keep it, keep them, keep that, cancel that, cancel it, undo, undo it, undo that"),
        aside=_listed("""
            are you, do you, when are you, where are you, who are you, how long are you, how late are you, when do you,
            where do you, how do you, how late do you, what do you, what are your, what is your, where is your, when
            are your, where are your, how do i, how can i, and when, and where, and what, and do you, and are you"""),
        of_it=_listed("""
            those, these, they, them, him, her, then, there, yet, still, sure, mean, say, said, saying, ask, asking,
            have, want, need, think, charge, charging, guarantee, promise, recommend, suggest, mind, free, available,
            possible"""),
        of_it_only=_listed("about it, about that, about this"),
        points=_listed("""
            it, its, that, this, one, ones, instead, same, other, another, different, make, made, add, adding, change,
            changing, move, moving, switch, put, swap, remove, with, without, extra, both, again, too,
            later, sooner, earlier"""),
        parts=_listed("""
            for, to, in, on, at, from, by, under, until, till, before, after, around, a, an, the, some, my, our, her,
            his, their, your"""),
        lone=_listed("yes, yeah, yep, yup, yea"),
        makes=_listed("book, order, reserve, schedule, buy, arrange, place"),
    ),
    "es": Words(
        yes=_listed("""
            sí, si, sí señor, sí señora, sí por favor, claro, claro que sí, por supuesto, desde luego,
            correcto, exacto, eso es, así es, confirmo, lo confirmo, confirmado, adelante, hazlo, hágalo,
            hágalo por favor, de acuerdo, está bien, me parece bien, perfecto, sí quiero, quiero, sin duda,
            seguro, cómo no, efectivamente, vale sí"""),
        no=_listed("""
            no, no gracias, para nada, de ninguna manera, mejor no, todavía no, aún no, ahora no, nunca,
            espera, espere, un momento, déjalo, déjelo, cancela, cancélalo, olvídalo, olvídelo, nada, no
            quiero, no lo hagas, no lo haga, he cambiado de idea, está mal, incorrecto, eso no, claro que
            no, por supuesto que no, alto, para"""),
        beside=_listed("""
            por favor, gracias, muchas gracias, señor, señora, entonces, ahora, pues, bueno, vale, ah, eh,
            oh, muy bien, bien, perdón, ok, okay"""),
        more=_listed("""
            y también, también, además, y además, y luego, y qué, y cuándo, y dónde, y cuánto, y puede, y
            podría, y una cosa más"""),
        against=_listed("""
            pero, excepto, salvo, si no, sólo, solo, aunque, no, nunca, espera, espere, mejor, en realidad,
            en vez, en lugar, cambia, cambie, quizás, quizá, tal vez, depende, primero, antes, pregunta,
            creo, supongo, o, pon, ponga, no sé"""),
        empty=_listed("eh, este, pues, bueno, a ver, ah, oh, hola, gracias, y, bien, mmm"),
        it=_listed("lo, la, los, las, eso, esto, me, el"),
        asks=_listed("qué, cuál, cómo, cuándo, dónde, quién, cuánto, por qué, puede, puedo, es, hay"),
        offers=_listed("quiere que, le parece bien que, puedo, debo"),
        undoes=_listed("""
            cancela eso, cancele eso, cancélelo, cancélela, anúlalo, anúlala, anúlelo, anúlela, deshazlo,
            deshágalo"""),
        points=_listed("""
            eso, esto, ese, esa, este, esta, mismo, misma, otro, otra, cambiar, cambias, poner, pones, mueve, mueva,
            mover, añade, añada, añadir, quita, quite, quitar, haz, haga, hacer, con, sin, más, extra, ambos, libre,
            libres, disponible, posible"""),
        aside=_listed("quiero saber, quisiera saber, me gustaría saber"),
        parts=_listed("para, al, en, de, del, desde, hasta, por, un, una, unos, unas, el, la, los, las, mi, mis"),
        endings=_listed("""
            alo, ala, alos, alas, elo, ela, elos, elas, nlo, nla, nlos, nlas, rlo, rla, rlos, rlas, zlo, zla, zlos,
            zlas"""),
        lone=_listed("sí"),
    ),
    "de": Words(
        yes=_listed("""
            ja, jawohl, ja bitte, ja gerne, gerne, sicher, natürlich, selbstverständlich, genau, richtig,
            korrekt, das stimmt, stimmt, das ist richtig, das passt, passt, einverstanden, in ordnung,
            machen sie das, machen sie es, mach das, bitte machen sie das, auf jeden fall, ich bestätige,
            bestätigt, unbedingt"""),
        no=_listed("""
            nein, natürlich nicht, ne, nee, nein danke, nicht, bitte nicht, noch nicht, jetzt nicht, auf
            keinen fall, lieber nicht, stopp, stop, halt, warten sie, warte, moment, lassen sie das, lass
            es, falsch, das ist falsch, das stimmt nicht, vergessen sie es, doch nicht, niemals"""),
        beside=_listed("bitte, danke, vielen dank, dann, jetzt, also, ach, oh, äh, okay, gut"),
        more=_listed("""
            und auch, außerdem, und dann, und wann, und was, und wo, und wie, und können sie, und kann ich,
            und noch etwas"""),
        against=_listed("""
            aber, außer, nur, wenn, falls, nicht, kein, keine, nein, lieber, doch, eigentlich, stattdessen,
            statt, ändern, vielleicht, warten, warte, halt, stopp, erst, vorher, frage, oder, glaube, weiß
            nicht, kommt darauf an, wohl"""),
        empty=_listed("äh, ähm, hm, also, na ja, ach, oh, hallo, danke, und, gut"),
        it=_listed("es, das, sie, mir, den, die, für, mich"),
        asks=_listed("was, wie, wann, wo, wer, warum, welche, welcher, kann, können, ist, sind, gibt, muss"),
        offers=_listed("soll ich, darf ich, kann ich, möchten sie dass ich"),
        undoes=_listed("lassen sie es, stornieren sie es, storniere es, behalten sie es, rückgängig"),
        points=_listed("""
            es, das, dies, dieses, ihn, denselben, dieselbe, andere, anderen, anderes, legen, machen, mache, mach, tun,
            setzen, verlegen, verschieben, umbuchen, hinzufügen, nehmen, stellen, mit, ohne, extra, beide, beides,
            später, früher, dazu, noch"""),
        parts=_listed("""
            für, zu, zum, zur, in, im, am, an, um, ab, bis, nach, vor, von, auf, ein, eine, einen, einem, der, die,
            den, dem, mein, meine, meinen"""),
        lone=_listed("ja, jawohl"),
    ),
    "fr": Words(
        yes=_listed("""
            oui, oui oui, oui s'il vous plaît, bien sûr, tout à fait, exactement, exact, c'est ça, c'est
            exact, c est correct, correct, d'accord, je confirme, confirmé, allez y, vas y, faites le, fais
            le, avec plaisir, absolument, volontiers, certainement, ça me va"""),
        no=_listed("""
            non, non merci, bien sûr que non, pas question, pas du tout, surtout pas, pas encore, pas
            maintenant, plutôt pas, jamais, arrêtez, attendez, attends, stop, laissez, laissez tomber,
            oubliez, c'est faux, ce n est pas ça, j'ai changé d avis, faux"""),
        beside=_listed("""
            s'il vous plaît, s'il te plaît, merci, merci beaucoup, alors, maintenant, euh, ah, oh, bon,
            bien, monsieur, madame, ok, okay"""),
        more=_listed("""
            et aussi, aussi, et puis, et quand, et où, et combien, et pouvez vous, et encore une chose"""),
        against=_listed("""
            mais, sauf, seulement, si, ne, pas, non, jamais, plutôt, en fait, à la place, changez, changer,
            peut être, attendez, attends, d'abord, avant, question, ou, je crois, je ne sais pas, ça dépend"""),
        empty=_listed("euh, ben, bon, ah, oh, bonjour, merci, et, bien"),
        it=_listed("le, la, les, ça, cela, moi, pour"),
        asks=_listed("que, quel, quelle, comment, quand, où, qui, pourquoi, combien, est ce, puis je, pouvez"),
        offers=_listed("voulez vous que je, voulez vous que j, dois je, puis je, je peux"),
        undoes=_listed("annulez le, annulez la, annulez ça, annule le, annule la, gardez le, gardez la, garde le"),
        points=_listed("""
            ça, cela, ceci, celui, celle, même, autre, mettre, mettez, mets, faire, faites, changer, déplacer,
            déplacez, décaler, décalez, ajouter, ajoutez, ajoute, enlever, enlevez, prendre, avec, sans, tard, tôt"""),
        parts=_listed("pour, au, aux, en, de, du, dans, chez, par, un, une, des, le, la, les, l, mon, ma, mes"),
        lone=_listed("oui"),
    ),
}
