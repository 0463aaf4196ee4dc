package demo

import (
	"strings"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// namesOf are common given and family names by country, as they are written there (in Latin
// letters), separated by commas.
var namesOf = map[string]struct{ given, family string }{
	"NL": {"Sanne,Daan,Fleur,Bram,Lotte,Sem,Noor,Thijs,Anouk,Ruben,Femke,Jesse,Maud,Koen,Yara,Jip,Merel,Stijn,Iris,Joris,Tess,Mees,Roos,Hidde,Naima,Pepijn",
		"de Vries,Jansen,van den Berg,Bakker,Visser,Smit,Mulder,de Groot,van Dijk,Hendriks,van der Meer,Kuipers,El Amrani,Yılmaz,Dijkstra,Vermeer,Bos,Postma,Ramdin,Willems"},
	"DE": {"Lena,Jonas,Annika,Felix,Jürgen,Mareike,Björn,Katharina,Emre,Sabine,Moritz,Ulrike",
		"Müller,Schäfer,Weiß,Krüger,Vogel,Öztürk,Hoffmann,Zimmermann,Lange,Brandt,Köhler,Seidel"},
	"PL": {"Agnieszka,Paweł,Zofia,Michał,Łucja,Grzegorz,Małgorzata,Wojciech,Kinga,Bartosz,Iwona,Rafał",
		"Nowak,Wójcik,Mazur,Król,Woźniak,Pawlak,Zając,Wróbel,Kaczmarek,Dudek,Gołąb,Sikora,Stępień,Bąk"},
	"GB": {"Oliver,Amelia,Harry,Aisha,Callum,Bronwen,Rhys,Eilidh,George,Niamh,Zara,Kwame",
		"Hughes,Patel,O'Connor,Campbell,Evans,Okonkwo,Walker,Macdonald,Begum,Shaw,Taylor,Ashworth"},
	"FR": {"Camille,Théo,Chloé,Hugo,Inès,Loïc,Élodie,Mathieu,Amina,Benoît,Noémie,Rémi",
		"Lefèvre,Moreau,Girard,Dubois,Benali,Rousseau,Mercier,Fontaine,Chevalier,Garnier,Traoré,Leclerc"},
	"ES": {"Lucía,Álvaro,María,Sergio,Ainhoa,Íñigo,Carmen,Martí,Nerea,Joaquín,Xiana,Pablo",
		"García,Núñez,Muñoz,Iglesias,Etxeberria,Ferrer,Domínguez,Peña,Vidal,Castro,Ibáñez,Soler"},
	"SE": {"Elsa,Nils,Åsa,Gustav,Märta,Björn,Ebba,Östen,Linnéa,Axel,Saga,Viktor",
		"Lindström,Åkesson,Nyström,Sjöberg,Bergqvist,Öberg,Hedlund,Wallin,Ekström,Sandberg,Ström,Holmgren"},
	"US": {"Madison,Tyler,Jasmine,Marcus,Emily,Diego,Hannah,Andre,Grace,Ethan,Naomi,Luis",
		"Johnson,Ramirez,Nguyen,Williams,Kowalski,Washington,Chen,Miller,Garcia,Begay,Brooks,Cohen"},
	"BR": {"Beatriz,João,Letícia,Mateus,Antônia,Thiago,Luíza,Caio,Débora,Renato,Conceição,Otávio",
		"Silva,Araújo,Gonçalves,Pereira,Assunção,Barbosa,Magalhães,Teixeira,Lima,Nakamura,Falcão,Rocha"},
	"IN": {"Ananya,Arjun,Kavya,Rohan,Meera,Vikram,Farah,Sandeep,Ishita,Karthik,Nandini,Imran",
		"Iyer,Sharma,Reddy,Banerjee,Khan,Menon,Deshpande,Singh,Chatterjee,Nair,Kulkarni,Fernandes"},
	"JP": {"Haruka,Ren,Aoi,Daichi,Sakura,Kenta,Yūna,Shōta,Mio,Takumi,Nanami,Kōji",
		"Satō,Suzuki,Takahashi,Itō,Watanabe,Kobayashi,Yoshida,Saitō,Matsumoto,Inoue,Hayashi,Ōta"},
	"NG": {"Chidinma,Tunde,Amara,Emeka,Fatima,Segun,Ngozi,Ibrahim,Folake,Uche,Zainab,Kelechi",
		"Adeyemi,Eze,Balogun,Mohammed,Okafor,Nwosu,Bello,Adebayo,Obi,Abubakar,Ogunleye,Danjuma"},
}

// ascii are letters that have no decomposition into a plain letter and a mark.
var ascii = strings.NewReplacer("ł", "l", "ß", "ss", "ø", "o", "đ", "d", "ı", "i", "æ", "ae", "'", "", " ", "")

// handle is a name as it stands in an address: lower case ASCII letters.
func handle(name string) (string, error) {
	plain := transform.Chain(norm.NFD, runes.Remove(runes.In(unicode.Mn)), norm.NFC)
	text, _, err := transform.String(plain, strings.ToLower(name))
	return ascii.Replace(text), err
}
