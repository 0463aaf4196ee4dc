package demo

// The organisation: a maker of measuring instruments, which does not exist.
const (
	companyName = "Vesterholt Instruments"
	country     = "NL"
	domain      = "vesterholt.example" // RFC 2606: nobody's
)

// team is a group of people who do one kind of work. A team with people of its own has them
// as direct members.
type team struct {
	name   string
	size   int    // people to make up
	titles string // their job titles in turn, the first one's once
	sites  string // their countries in turn
}

// department is the people that have its name as their department.
type department struct {
	team
	teams []team // nested in it
}

// departments are all employees but those in people.
var departments = []department{
	{team: team{"Leadership", 5, "Chief Executive Officer,Chief Financial Officer,Chief Technology Officer,Chief Operating Officer,Chief Revenue Officer", "NL,NL,DE,PL,US"}},
	{team: team{"Engineering", 2, "Engineering Director,Principal Engineer", "NL,DE"}, teams: []team{
		{"Firmware", 18, "Firmware Lead,Firmware Engineer,Senior Firmware Engineer,Test Engineer", "NL,DE,PL,NL,IN,NL"},
		{"Optics", 16, "Optics Lead,Optical Engineer,Mechanical Engineer,Senior Optical Engineer", "NL,DE,JP,NL,SE,DE"},
		{"Platform", 13, "Platform Lead,Software Engineer,Senior Software Engineer", "NL,PL,IN,BR,NL,ES"},
		{"Site Reliability", 7, "Reliability Lead,Site Reliability Engineer", "PL,IN,US,NL"},
	}},
	{team: team{"Research", 1, "Research Director", "SE"}, teams: []team{
		{"Photonics Lab", 12, "Lab Manager,Research Scientist,Lab Technician", "NL,JP,SE,FR,DE"},
		{"Data Science", 8, "Data Science Lead,Data Scientist,Data Engineer", "NL,IN,NG,GB"},
	}},
	{team: team{"Operations", 2, "Operations Director,Production Controller", "PL,NL"}, teams: []team{
		{"Assembly", 26, "Assembly Manager,Assembly Technician,Calibration Technician", "PL,NL,PL,NL,PL"},
		{"Quality", 10, "Quality Manager,Quality Inspector", "NL,PL"},
		{"Warehouse", 11, "Warehouse Manager,Warehouse Operative,Forklift Driver", "NL,PL,NL"},
	}},
	{team: team{"Sales", 2, "Sales Director,Sales Operations Manager", "GB,NL"}, teams: []team{
		{"Sales EMEA", 14, "Regional Sales Manager,Account Executive,Sales Engineer", "DE,FR,ES,GB,SE,NG,PL"},
		{"Sales Americas", 10, "Regional Sales Manager,Account Executive,Sales Engineer", "US,BR"},
		{"Sales Asia Pacific", 8, "Regional Sales Manager,Account Executive,Sales Engineer", "JP,IN"},
	}},
	{team: team{"Marketing", 14, "Marketing Director,Content Designer,Product Marketer,Event Manager", "NL,GB,US,ES"}},
	{team: team{"Customer Support", 1, "Support Director", "IN"}, teams: []team{
		{"Support Tier 1", 14, "Support Lead,Support Agent", "IN,PL,BR,NG"},
		{"Support Tier 2", 8, "Support Lead,Support Engineer", "NL,IN,US,JP"},
	}},
	{team: team{"Finance", 12, "Finance Director,Accountant,Controller,Payroll Specialist", "NL,PL"}},
	{team: team{"People", 9, "People Director,Recruiter,People Partner", "NL,DE,US,IN"}},
	{team: team{"Legal", 5, "General Counsel,Legal Counsel,Contract Manager", "NL,US"}},
	{team: team{"IT", 4, "IT Director,Systems Administrator,Security Engineer", "NL,PL"}, teams: []team{
		{"Service Desk", 7, "Service Desk Lead,Service Desk Agent", "NL,PL,IN"},
	}},
}

// person is somebody whom the demo tells about by name.
type person struct {
	name, department, title, site string
	groups                        string // direct memberships
	guest                         bool
}

// people are those whom queries and texts refer to, and who therefore never change.
var people = []person{
	// Works in production with F3 and runs projects: one plan of Project is withheld.
	{name: "Ingrid Solberg", department: "Operations", title: "Production Planner", site: "NL", groups: "Assembly,Project Managers"},
	// So does Piotr, who is in the pilot of Copilot as well: that needs the desktop apps, which F3
	// does not have.
	{name: "Piotr Zieliński", department: "Operations", title: "Production Planner", site: "PL", groups: "Assembly,Project Managers,Copilot Pilot"},
	// In a team that is nested in two departments (a diamond), which counts once.
	{name: "Tomás Herrera", department: "Engineering", title: "Site Reliability Engineer", site: "ES", groups: "Site Reliability,Copilot Pilot"},
	// Has of his own what he inherits: one seat, two sources.
	{name: "Kofi Mensah", department: "Research", title: "Data Scientist", site: "GB", groups: "Data Science"},
	// On leave: the account is disabled and keeps what it holds.
	{name: "Dewi Pranoto", department: "Marketing", title: "Event Manager", site: "NL", groups: "Marketing"},
	// Left the company: deleted, can be restored.
	{name: "Hana Kovářová", department: "Finance", title: "Accountant", site: "NL", groups: "Finance"},
	// The last to join Engineering: waits for Visio.
	{name: "Yuki Tanabe", department: "Engineering", title: "Optical Engineer", site: "JP", groups: "Optics"},
	// Security engineers, with E5 of their own.
	{name: "Maren Iversen", department: "IT", title: "Security Engineer", site: "DE", groups: "IT"},
	{name: "Obinna Chukwu", department: "IT", title: "Security Engineer", site: "NG", groups: "IT"},
	// Outside auditors.
	{name: "Lucas Ferrand", title: "Auditor", site: "FR", groups: "Guests", guest: true},
	{name: "Mirela Popescu", title: "Auditor", site: "FR", groups: "Guests", guest: true},
	{name: "Gareth Pryce", title: "Consultant", site: "GB", groups: "Guests", guest: true},
}

// group is a group beside those of departments and teams.
type group struct {
	name, description string
	nested            string // groups nested in it
	// fromTeams are teams of which every so many-th member is a direct member too.
	fromTeams string
	every     int
}

// groups are made in this order: what is nested stands before what it is nested in. Site
// Reliability belongs to Engineering and to IT.
var groups = []group{
	{name: "Guests", description: "People from outside."},
	{name: "Shift Leads", description: "They got office computers, and with them the license of the office.", fromTeams: "Assembly,Warehouse", every: 6},
	{name: "Project Managers", description: "Whoever plans projects.", fromTeams: "Firmware,Optics,Platform,Photonics Lab", every: 6},
	{name: "Copilot Pilot", description: "First users of Copilot, from every part of the house.", fromTeams: "Platform,Data Science,Sales EMEA,Finance,Legal", every: 2},
	{name: "Video Studio", description: "Makes the films.", fromTeams: "Marketing", every: 4},
	{name: "Phone Users", description: "Who talks to customers.", nested: "Sales,Customer Support"},
	{name: "Office Staff", description: "Everyone with a desk.", nested: "Engineering,Research,Sales,Marketing,Customer Support,Finance,People,Legal,IT,Shift Leads"},
	{name: "Everyone", description: "All employees.", nested: "Leadership,Office Staff,Operations"},
}

// diamond is nested in its own department and in this one too.
const diamond, diamondIn = "Site Reliability", "IT"
