"""The vocabulary of complaints: words of many languages that mean the same trouble.

Belongs here: stop words, and for each concept of the taxonomy's areas the word stems that name
it. Does not belong here: how words are found in a text and weighed (`complaint_terms`).

A stem stands for every word that begins with it, ``=`` marks a whole word. Words are without
accents and in lower case. Scripts written without spaces are matched anywhere in the text.
The vocabulary is the shops', banks' and apps' common one; names of products are not in it.
"""

from __future__ import annotations

TROUBLES: dict[str, str] = {
    "broken": "broke broken kaput defekt defect fail fehlgeschlag error errore fehler erreur fallo "
    "falha blad bug buggy stuk =dead =down stoppt schlagen impossib imposib impossiv unable cannot "
    "cant unmoglich onmogelijk glitch hang hanging hangs hung haengt hangt spinn spins =spin "
    "endlos infini infinit endless eindeloos frozen rotell roued ruedit kolko kringel kreis rondje "
    "snurr dreht gira girar tourne draaien draait gebroken zepsut malfunction unavailable crasht",
    "crash": "crash absturz sturzt abgesturzt plant =chiude =cierra =fecha =ferme wylacz krasch "
    "klapt quits",
    "slow": "slow sluggish langsam lent lento lenta lenteur traag wolno langsam seg =jatteseg "
    "forever ewig eternidad eternite eternidade rame =lag laggy lagging loading load ladt laden "
    "laedt carrega cargar carga  laduj wczyt laddar",
    "late": "late delay transit stuck retard verspat versp atras retras ritard vertrag opozn "
    "forsen parada parado paradas parados retid atascad waiting wacht warte espera attend czek "
    "overdue imprisoned",
    "missing": "missing lost fehlt verloren perdid perdu persa perso kwijt zagin saknas "
    "disappear vanish verschwund",
    "damaged": "damag  smash chipp shatter scratch beschadig beschadigt  cass casse "
    "rot rott rota roto uszkodz pekn gescheurd gescheurt torn trasig skadad danific partid "
    "zerbroch graffiat spezzat crack cracked",
    "wrong_item": "wrong falsch =fel zly equivoc erron sbagliat verkeerd",
    "refund": "refund reimburs rembours erstatt ruckerstatt reembols rimbors terugbet zwrot "
    "aterbet rukerstatt",
    "return": "return retour retoure zuruckg zuruckschick devolv devuel devoluc teruggest odesl "
    "odsyl zwroc =reso =resi restitu rendere renvo",
    "double": "twice double doppel zweimal doble dobro dubbel tweemaal podwoj =2x duplicate "
    "duplicad",
    "declined": "declin reject refus abgelehnt rechaz recus rifiut geweigerd odrzuc nekad",
    "locked": "locked lockout gesperrt bloque blokk bloccat geblokk zablok =last =kontot_ "
    "suspended ",
    "filter": "filter filtr filtre =sort sorting sortier",
    "outdated": "outdated veraltet obsolet",
    "rude": "rude unfreundlich impoli",
    "expensive": "expensiv teuer =cher =caro costly",
    "fraud": "fraud scam betrug arnaque estafa truff",
    "cancel": "cancel storn annul anular",
    "battery": "battery akku batterie bateria batteria",
    "freeze": "freez einfrier geler congel",
}
"""What is wrong; the terms that say most about which complaint it is."""

THINGS: dict[str, str] = {
    "charge": "charg billed debit abgebuch abbuch =cobro cobrad cobrar addebit afgeschr obciaz "
    "pobran deduct",
    "fee": "=fee =fees gebuhr frais tarif comision =taxa commission =kosten oplat avgift",
    "pay": "pay payment paid checkout bezahl zahl paie paye pago pagar pagam paga betal betaal "
    "platn placi zaplac",
    "parcel": "parcel packag paket paquet encomend colis pacco pakket paczk deliver livr liefer "
    "entreg consegn bezorg lever shipping shipment ship depot warehouse armazem carrier courier "
    "transportad estafet spedi envio przesyl =lager",
    "signin": "login log-in signin einlogg anmeld connex inloggen logowan zalog accesso sesion "
    "entrar",
    "code": "code codes codice codigo kod kode anmeldecode",
    "sms": "sms =text =texts smscode sms-code verification verific",
    "password": "password passwor passwort contrasen senha hasl losenord wachtwoord passcode",
    "pin": "=pin =pins",
    "register": "regist signup inschrijv zarejestr skapa =create =criar inscri zalozyc",
    "postcode": "postcode postleitz postal pocztow postnum eircode zipcode =zip =plz",
    "wishlist": "wishlist wunschlist merklist preferit desideri deseos favorit verlanglijst "
    "envies onskelist ulubion",
    "search": "search =suchen suche suchfilter recherch busca busqueda ricerca =zoekfunctie "
    "=sok wyszuk",
    "size": "size sizes grosse taille tamano tamanho taglia maat maatfilter rozmiar storlek "
    "dimension",
    "price": "price preis prix precio preco prezz prijs cena cene pris prisfilt pricing",
    "label": "label etiket etiquet etichett etykiet",
    "button": "button knopf bouton boton botao botone pulsant knop przycisk knapp",
    "helppage": "article =artikel hilfeseit guide guida ayuda manual documentation docs =doc "
    "instruc istruz handbuch readme tutorial javadoc",
    "statement": "statement relev auszug estratto extracto",
    "card": "card =karte kreditkart carte tarjeta cartao =carta kaart karta",
    "transfer": "transfer uberweis virement transferen bonifico overschr przelew overforing",
    "invoice": "invoice rechnung facture factura fatura fattura factuur faktur bill",
    "verifyid": "identity ident identit identid",
    "balance": "balance guthaben solde saldo",
    "topup": "topup top-up",
    "exchange": "exchange currency wechselkurs",
}
"""What it is about."""

WEAK: dict[str, str] = {
    "network": "network netzwerk wifi internet connection verbindung",
    "staff": "staff nurse doctor =personal mitarbeit personnel",
    "update": "updat aktualis actualiz atualiza  aggiorn upgrade release",
    "screen": "screenshot",
    "phonecall": "=phone hotline telefonisch",
    "mail": "=email =mail emails correo",
    "page": "page pages seite produktseit pagina strona stron produktsid fiche",
    "order": "order orders bestell command pedido pedid ordin zamow bestal",
    "account": "account konto compte cuenta conta rekening kont",
    "money": "money geld argent dinero dinheiro soldi denaro pienied pengar bank banking",
    "device": "android iphone ipad samsung galaxy pixel chrome firefox safari browser telefon "
    "phone handy movil telemov movel tablet device",
    "basket": "basket cart panier warenkorb carrit carrinh carrell koszyk mandje",
    "confirm": "confirm bestatig potwierdz bevestig conferm",
    "receive": "=received receiv recib receb erhalten ricev ontvang otrzym recu",
    "support": "support service servic kundendienst chat agent helpdesk hotline",
    "website": "website webshop site web",
    "product": "product produkt produit produto prodott item =articl",
}
"""Named in every second complaint: they support a likeness, they don't make one."""

SPACELESS: dict[str, str] = {
    "broken": "できません できない 動かない くるくる エラー 效かない ไม่ได้ ใช้ไม่ได้ 無法 无法 "
    "错误 አይሰራም",
    "crash": "落ち 閃退 闪退 เด้ง",
    "slow": "遅 読み込み 慢 ช้ามาก",
    "filter": "絞り込み 筛选 ตัวกรอง",
    "wishlist": "お気に入り 收藏",
    "refund": "返金 退款 คืนเงิน",
    "return": "返送 返品 退货 คืนสินค้า",
    "missing": "届いて 届かない 届きません ไม่ได้รับ",
    "double": "二重 二回 两次",
    "pay": "支払 付款 จ่าย ชำระ ክፍያ",
    "price": "価格 价格 ราคา",
    "size": "サイズ 尺寸 ขนาด",
    "page": "ページ 页面",
    "code": "コード 验证码 รหัส",
    "signin": "ログイン 登录 เข้าสู่ระบบ",
    "parcel": "荷物 配送 包裹 พัสดุ ส่งของ",
    "order": "注文 订单",
    "register": "登録 注册 สมัคร",
    "damaged": "割れ 壊れ 破损 แตก เสียหาย",
    "late": "遅れ 延迟 ล่าช้า",
    "locked": "ロック 锁",
}
"""The same concepts in scripts that put no space between words (and in Amharic)."""

NEGATIONS: str = (
    "ainda aldrig ancora aucun aucune bez brak cannot cant didnt doesnt dont failed fails geen "
    "hasnt havent ingen inget inte isnt jamais kein keine keinen keinerlei mai nada nao ne nessun "
    "nessuna never nicht nichts nie niemals niente niet niets nikt ningun ninguna no nobody noch "
    "nog non none nooit not nothing nunca ohne pas plus rien sans sem senza sin still todavia "
    "toujours unable wasnt without wont yet"
)
DENIED: dict[str, tuple[str, str]] = {
    "work": (
        "broken",
        "work works worked working funktion geht ging gehen =va marche "
        "funcion fonction "
        "werkt werk dziala dzialaja fungera funkar =va =vai =doet klappt respond open opens load "
        "loads przechodzi przeszl passe lukt goes process let",
    ),
    "arrive": (
        "missing",
        "arriv came come comes komm kommt kam llega llego chega chegou arriva "
        "komt receiv got recib receb erhalten ricev ontvang recu przysz doszl dostal get getting "
        "credited abonad eingegangen show showing aparec angekommen livr geliefert far",
    ),
    "can": (
        "broken",
        "can able kann konnen puedo podemos peux peut pouvons consigo consegu "
        "posso riesco "
        "possibile kan moge kunnen moge mozna mozemy =pas",
    ),
    "exist": ("gone", "exist there exists existe gibt esiste bestaat istnieje finns"),
    "valid": ("declined", "accept valid aceita accepte recogn akzept godkan przyjm"),
}
"""Verbs that say nothing alone, and the trouble they mean beside a negation."""
PHRASES: dict[str, tuple[str, ...]] = {
    "double": (
        "dos veces", "deux fois", "duas vezes", "due volte", "twee keer", "dwa razy",
        "två gånger", "zwei mal", "two payments", "two charges", "2 payments", "2 charges",
        "two identical", "charged again",
    ),
    "refund": (
        "money back", "geld zurück", "geld terug", "dinero de vuelta", "dinheiro de volta",
        "devolverme el dinero", "devuelto el dinero", "devolvam o dinheiro", "mina pengar",
        "soldi indietro",
    ),
    "return": ("sent back", "sent it back", "send back", "skickade tillbaka", "skickat tillbaka"),
    "locked": ("locked out", "shut out"),
    "signin": ("log in", "sign in", "log into", "logged in", "signed in", "sign-in", "get in"),
    "register": ("sign up", "signing up", "create an account", "open an account"),
    "sms": ("text message", "verification text", "text with"),
    "slow": (
        "takes forever", "takes ages", "takes too long", "so long", "pół minuty", "halv minut",
    ),
    "broken": ("does nothing", "do nothing", "no effect", "times out", "timed out"),
    "damaged": ("in pieces", "mille morceaux", "had no", "fell apart"),
    "wrong_item": ("instead of what", "got a different", "not what i ordered"),
    "crash": ("shuts down", "closes itself", "app shuts", "app closes", "kills the app"),
    "helppage": ("help page", "help article", "help centre", "help center", "aide"),
    "wishlist": ("wish list", "liste d'envies", "lista de deseos"),
}  # fmt: skip
"""Words that mean it only together."""

GENERIC: str = (
    "alstublieft amazing apk aplicacion aplicativo aplikacja app appen appli application "
    "applicazione apps awesome awful baayee bad bank banking best bien bitte boa bom bon bonjour "
    "bonne bra brilliant buena bueno buongiorno buono cool cordialement danke dear dobra dobry "
    "dziekuje easy everything excellent experience fantastic fast favor fijn fine friendly gaarii "
    "genial goed good gorgeous gracias grazie great gruss grusse gut hallo happy hate hay hej "
    "hello helpful hola horrible lam like love lovely marvelous merci mooi much nice obrigada "
    "obrigado ok okay ola otimo ottimo people perfect please pls prosze qua quick quickly rat "
    "really recommend regards rubbish saludos satisfied service simple super superb svp tack "
    "terrible thank thanks thing things thx time times toll tot tuyet use useless user using very "
    "voi well wonderful worst wow ምርጥ በጣም ኣሪፍ ጥሩ"
)
"""Praise, scorn and manners: no complaint is told by them."""

STOP_WORDS: str = (
    "a aan aber about after again ai al ale all alla alle alles als also always am an and any "
    "anyone ao aos apres april ar are as asked at ate au auch auf august aus aux av avant avec "
    "avez avons ayer back bara bardzo be because been before bei being bien bij bis but by byl "
    "byla bylo cac ce ces cet cette chaque che chez chi cho co com come comme como con could cua "
    "cuando czy da dag dagar dagen dan dann dans dar dari das dass dat day days de december dei "
    "dein deja del della delle dem den depuis der des desde det detta deze di dia dias did die "
    "din dit ditt dla dni do does dois donde done dont door dos dove du due duoc dzien dzis e "
    "each ed een efter ein eine einem einen einer el ela ele elle eller else en encore er era ert "
    "es eso est esta estas este estos et etait ete ett eu euer eure even evening ever every faire "
    "fait february few fi first five foi for four fran friday from fue fur gdzie gestern get gets "
    "gia giorni giorno gisteren give gli go going gone got ha habe haben hace had hade han hanno "
    "har has hasta hat hatte have hay he heb hebben heeft help her here het heute hier hij him "
    "his ho hoje hon hour hours how hoy i ich id idag ieri if igar ihr ihre ik il ill ils im "
    "immer in ini into io irraa is isso ist isto it its itu ive ja jag jahr jak january je jest "
    "jij jour jours jouw jullie july june just juz kan ke keep khong kiedy know kto ktory la las "
    "last le lei les let lo long look los lub lui ma maar made mais maja make mal mam man many "
    "march mas matin may me med meer mehr mein meine meinen meiner men mer mes met meu meus mi "
    "mia mial mich miei mijn min mina mine minha minhas minute minutes mio mir mis mit mitt moj "
    "moja moje molto mon monday month months more morgen morning most muito must muy my mycket na "
    "naar nach nan nar nas nay need nel nella new next nhung ni night no noch nog noi nos notre "
    "nous november now nu nun nur o och october od oder of off oggi om on ona once onde one only "
    "ons ont ontem onze ook op or os other ou our out over own pa par para per pero piu po por "
    "pour przez przy put quando que quem questa questo qui quien quoi redan sa said same sao "
    "saturday say saya says schon se second see seem sehr seit semaine semana semanas september "
    "ses settimana seu she should si sich sie sig sin since sind six so soir som some someone "
    "something son sono sont sort su sua such sunday suo sur sus swoj ta tag tage take te tego "
    "tej tell tem ten tenho tez than that thats the their them then there these they third this "
    "those though three thursday till to toda today todo todos toi told tomorrow ton too took "
    "tous tout toute tre tres tried try trying tu tudo tuesday tutti tutto two ty tydzien tylko u "
    "uber uit um uma un una und under une uno unos uns unser until untuk up ur us uw va vad van "
    "vandaag var vecka veel vem vi voce voi vom von voor vor vos votre vous w waar want war waren "
    "was wat way wczoraj we wednesday week weeks wel wenn went wer werden were what whats when "
    "where which while who why wie wiecej wij will wir wird with wo woche wochen word wordt would "
    "wurde wurden wy y ya yang year years yesterday yet yo you your youre z za ze zeer zij zijn "
    "zo zu zum zur"
)
