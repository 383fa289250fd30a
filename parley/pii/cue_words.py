"""Words that say what a number beside them is, by kind. Pure data.

Each is a pattern that begins with letters, or with a group of such: a space stands for a space, `_`, `-` or nothing
("account number", `account_number`, `accountNumber`), `~` for what is between letters said one by one ("d.o.b.",
"D O B"). "number", "no.", "#" and the like may follow each. `""`: what is nothing personal.
"""

from __future__ import annotations

NUMBER = "(?= ?(?:num|n[or]\\b|nr|#|id\\b|is\\b|was\\b|[:=]))"
"""Only where it is said to be a number: "chart number", "chart is", `chart=`."""

CUES: dict[str, str] = {
    "ssn": """socials?(?: sec(?:urity)?)?(?: card)? | ssn | s~s~n | ss(?= ?(?:num|no|#)) | soc(?: sec)? | tax id |
        taxpayer id | itin | sozialversicherungs\\w+ | seguridad social | sécurité sociale""",
    "cvv": """cvv2? | c~v~v | cvc2? | c~v~c | csc | cid | (?:security|sec|card) code | security number |
        verification (?:code|value|number) | code on (?:the|its|my) |
        (?:three|four|last three) (?:digits? |numbers? )?on the | digit (?:security )?code |
        back of (?:the|my|your) card | signature strip | prüfziffer | prüfnummer | sicherheitscode |
        código de seguridad | codigo de seguridad | cryptogramme | code de sécurité""",
    "back": "(?:on|at) the (?:back|front)",
    "expiry": "exp(?:iry|ires|iration|iring)?(?: date)? | valid (?:thru|until|through)",
    "card": """cards? | cc(?<!\\.cc)(?= ?(?:num|no|#|:|=)) | pan(?= ?[:=\\d]) | visa | mastercard | master card |
        amex | american express | discover | diners | jcb | maestro | long number | kreditkarte\\w* | bankkarte\\w* |
        karte(?:nnummer)? | tarjetas? | carte(?! d)""",
    "birthdate": """born | birth ?(?:date|day)? | bday | dob | d~o~b | geb | geboren\\w* | geburts(?:datum|tag) |
        nac[ií] | nació | nacid[oa] | nacimiento | cumpleaños | née? | naissance | anniversaire""",
    "phone": """phone | telephone | mobile | mob | cell(?: phone|ular)? | land line | ph(?= ?(?:no|num|[.:=#\\d])) |
        tel | call(?:ed|ing)? (?:me|us|back|him|her|them|this|my|our) | call(?= [(]?\\d) | ring(?= \\d) |
        (?:text|reach|ring|buzz|contact|message|get|try) (?:me|us|him|her|them|back) | hold of (?:me|us|him|her) |
        (?:best|good|contact|home|work|office|daytime|evening|other|new|old|direct) (?:contact )?number |
        number to (?:call|reach|ring|text) | direct line | dial | sms | whatsapp | fax | area code |
        caller(?= ?(?:id|num|no|=)|["'] ?:) | caller id | (?:ring|call|buzz|bell|shout) (?:at|on) | msisdn | ani |
        dnis | hot line | telefon\\w* | handy\\w* | mobil\\w* | festnetz\\w* | rufnummer | erreich\\w* | anrufen |
        rückruf\\w* | (?:ruf|rufen|ruft|rufe) (?:sie )?(?:mich|uns) | tel[eé]fono | móvil | movil | celular |
        llám\\w+ | llam[ae]\\w* | téléphone | portable | appele[zr] | joindre | rappele[zr]""",
    "number": """(?:my|her|his|our|their) n(?:umber|um|o)(?:[’']?s|(?: is| would be)) | meine nummer |
        mi n[úu]mero(?! de) | mon numéro(?! de)""",
    "it": "the number | number(?<!\\w.number)(?:[’']s| is)",
    "iban": "iban | bic",
    "account": """account(?!s) | acct | accnt | acc(?= ?(?:num|no|#|[:=.\\d])) |
        checking(?! (?:in|on|out|if|whether|the|my)) | savings | a/c | konto\\w* | kto | girokonto\\w* | cuenta |
        compte""",
    "routing": "routing(?: transit)? | aba | rtn",
    "sort": "sort(?:ing)? codes?",
    "passport": """passports? | travel document | reisepass\\w* | pass(?= ?(?:nummer|nr|no\\b|#)) | passnummer |
        personalausweis\\w* | ausweis\\w* | pasaportes? | passeports?""",
    "licence": f"""licen[cs]es? | driver'?s? (?:licen[cs]e|permit) | driving (?:licen[cs]e|permit) |
        lic(?= ?(?:num|no|#|[:=])) | learner'?s? permit | dln? | cdl | d~l{NUMBER} | führerschein\\w* |
        permit(?= ?(?:num|no\\b|#)) | permiso de conducir | (?:carnet|licencia) de conducir | permis de conduire""",
    "record": f"""medical (?:record|file|history) | health record | mrn | m~r~n | charts?{NUMBER} |
        patient'?s? (?:id|identifier|ref|reference|file|record|chart|code) | patient(?= ?(?:num|no|nr|#|[:=])) |
        records?(?= ?(?:num|no\\b|nr\\b|#|id\\b)) | (?:hospital|clinic){NUMBER} | nhs | n~h~s |
        patienten(?: id| ?nummer| ?nr|akte) | historia cl[ií]nica | dossier médical | numéro de patient""",
    "mbi": "medicare(?: beneficiary)?(?: identifier| id| card)? | mbi | m~b~i",
    "": """orders? | tracking | flight | room | invoice | confirmation | reservation | booking | reference | serial |
        iphone | (?:sd|sim|gift|memory|graphics|business|loyalty|library) card | part | models? | case | ticket |
        extension | version | article | item | batch | meter | employee | member | customer | conference |
        house(?= ?(?:num|no)) | apartment | exit | pages? | chapter | section | option | platform | gate | seat |
        bus | train | zip | postal | post code | area | door | access | pin | discount | promo | gift | sku | ref |
        price | total | amount | balance | costs? | paid | charged | payment of | dollars? | euros? | pounds? |
        minutes? | hours? | miles | score | line(?= ?(?:num|\\d)) | error | session | commit | isbn | imei | imsi |
        (?:account|acct|user) (?:id|manager|settings|type) | (?:software|windows|office|product|business) licen[cs]e |
        licen[cs]e (?:plate|key|for|fee|agreement|server|file) | plate | registration |
        passport (?:control|fee|photo|office) | lottery | bestell\\w+ | auftragsnummer | rechnung\\w* | zimmer\\w* |
        kundennummer | postleitzahl | plz | blz | bankleitzahl | kennzeichen | sendungsnummer | termin | pedido |
        habitaci[óo]n | factura | vuelo | cita | commande | chambre | facture | vol""",
}
